"""What make calls: set-up, demo, tests, packaging, submission, and the generated reference."""
