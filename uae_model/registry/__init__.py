"""Client, served models and gates."""
