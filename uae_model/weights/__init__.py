"""Weight functions and their resolution."""
