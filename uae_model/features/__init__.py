"""Aggregates, dimensions, columns, arrays, drift, explanation."""
