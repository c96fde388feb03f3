"""Errors, logs, dates, digests and whole files."""
