"""Checks of a day and its record."""
