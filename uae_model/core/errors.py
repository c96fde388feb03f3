"""Errors that a person is meant to read: what is wrong, where, and what to do."""

from __future__ import annotations


class UaeError(Exception):
    """Base of every error this project raises on purpose; the command line prints it in one line."""


class ConfigError(UaeError):
    """A setting is missing, unknown or out of range."""


class InputError(UaeError):
    """The feed, a file or a command-line argument is not what the job needs."""


class ContractError(UaeError):
    """A table does not hold what its contract promises (schema, key, accounting)."""


class NotClosedError(UaeError):
    """The input does not reach far enough for a day's sessions to be closed."""


class ModelError(UaeError):
    """A model is missing, does not fit the declared features, or failed a gate."""
