"""User attention estimation (UAE, ICDE 2024) as an offline feature and labelling system.

The rooms of this package stand in layers; none imports what stands above it. pyproject.toml states the rules,
`make lint` checks them, and docs/architecture.md says what is in each room and how a play goes through them.
"""

__version__ = "0.1.0"
