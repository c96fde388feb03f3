"""Errors, logs and dates."""
