"""Errors that a person is meant to read: what is wrong, where, and what to do.

``exit_code`` is what a job leaves with, for a scheduler to act on: 2 wrong usage or configuration, 3 not yet
(try later), 4 a gate refused to publish, to promote or to take events back, 1 anything else.
"""

from __future__ import annotations


class UaeError(Exception):
    """Base of every error this project raises on purpose; the command line prints it in one line."""

    exit_code = 1


class ConfigError(UaeError):
    """A setting is missing, unknown or out of range."""

    exit_code = 2


class InputError(UaeError):
    """The feed, a file or a table is not what the job needs."""


class DeliveryRefusedError(InputError):
    """A slot that was delivered again lacks too much of what it brought before."""

    exit_code = 4


class UsageError(InputError):
    """A command-line argument is not what the job needs."""

    exit_code = 2


class ContractError(UaeError):
    """A table does not hold what its contract promises (schema, key, accounting)."""


class PublicationRefusedError(ContractError):
    """A check refused to publish a day."""

    exit_code = 4


class NotYetError(UaeError):
    """What the job needs is not there yet, or another run is at it; the same command works later."""

    exit_code = 3


class AnotherRunError(NotYetError):
    """Another run does the same work at this moment."""


class NotClosedError(NotYetError):
    """The input does not reach far enough for a day's sessions to be closed."""


class ModelError(UaeError):
    """A model is missing, does not fit the declared features, or failed a gate."""


class PromotionRefusedError(ModelError):
    """A gate refused to make a model champion."""

    exit_code = 4


def first_line(error: BaseException, longest: int = 200) -> str:
    """Return the first line of an error's text, at most ``longest`` letters: stack traces follow it."""
    lines = str(error).strip().splitlines()
    return lines[0][:longest] if lines else type(error).__name__
