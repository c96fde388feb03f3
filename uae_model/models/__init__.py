"""Batches, networks, the trained pair, inference and ranks."""
