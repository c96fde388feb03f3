"""Writing, splitting, padding and reading training snapshots."""
