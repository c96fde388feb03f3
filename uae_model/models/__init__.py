"""Batches, networks, the trained pair, inference and the process group."""
