"""A first look as the text of a configuration, with what was seen and what to check as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from uae_model.config import Feature
from uae_model.first_contact.inputs import own_features
from uae_model.first_contact.look import REQUIRED, FirstLook, counted
from uae_model.first_contact.place import (
    MOST_FUTURE_HOURS,
    MOST_LATE_DAYS,
    USUAL_FUTURE_HOURS,
    USUAL_LATE_DAYS,
)
from uae_model.first_contact.roles import is_end, played_unit

BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")

PRIVATE = ("user_id", "event_id")
"""Whose values no configuration shows: files of settings are passed around."""


def settings_text(look: FirstLook, folder: Path, window_days: int | None) -> str:
    """Return the configuration.

    Args:
        look: what is believed of the feed.
        folder: where the file will lie; a feed below it is named from there.
        window_days: days to train on, where there are fewer than usual.
    """
    lines = [
        *_head(look),
        *_paths(look, folder),
        *_feed(look),
        *_columns(look),
        *_feedback(look),
        *_training(look, window_days),
        *_own_features(),
        *_features(look),
    ]
    return "\n".join(lines).rstrip() + "\n"


def text(value: str) -> str:
    """Return a text as TOML writes it."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def key(name: str) -> str:
    """Return a key as TOML writes it."""
    return name if BARE_KEY.fullmatch(name) else text(name)


def _comment(words: str) -> str:
    return "# " + " ".join(words.split())


def _head(look: FirstLook) -> Iterator[str]:
    sample = look.sample
    part = (
        "all" if sample.is_whole else f"the first of {len(sample.read)} of {len(sample.files)} files, not all"
    )
    yield _comment(f"Written by uae init from {look.path.name}: {sample.rows:,} rows, {part}.")
    yield "# Every setting that is not here has its default; docs/reference/configuration.md lists them."
    for line in look.gaps():
        yield _comment(f"MISSING: {line}.")
    for line in look.doubts():
        yield _comment(f"CHECK: {line}.")
    yield ""


def _paths(look: FirstLook, folder: Path) -> Iterator[str]:
    template = Path(look.place.template)
    below = template.is_relative_to(folder.resolve())
    yield "[paths]"
    yield f"feed = {text(str(template.relative_to(folder.resolve()) if below else template))}"
    yield "# Users are stored under pseudonyms that this key makes: keep it secret, and keep it."
    yield 'hmac_key_file = "hmac.key"'
    yield ""


def _feed(look: FirstLook) -> Iterator[str]:
    layout, place = look.sample.layout, look.place
    yield "[feed]"
    yield f"format = {text(layout.form)}"
    if layout.form == "csv" and layout.delimiter != ",":
        yield f"delimiter = {text(layout.delimiter)}"
    if layout.form == "csv" and layout.quote != '"':
        yield f"quote = {text(layout.quote)}"
    if layout.form == "csv" and layout.escape:
        yield f"escape = {text(layout.escape)}"
    if layout.encoding != "utf-8":
        yield f"encoding = {text(layout.encoding)}"
    if place.is_daily and not place.has_marker:
        yield "# A day counts as delivered as soon as its files are there: no _SUCCESS stands beside them."
        yield 'complete_marker = ""'
    yield from _late(look)
    times = look.of("played_at")
    if times is not None:
        yield _comment(f"Times are written as {times.example!r}")
        yield f"time_format = {text(look.time_format)}"
        if is_end(times.name):
            yield 'time_of = "end"'
    else:
        yield '# time_format = "iso"  # or epoch_seconds, epoch_millis, epoch_micros'
    played = look.of("played_ms")
    if played is not None:
        unit, sure = played_unit(played)
        yield f"played_unit = {text(unit)}  # {sure}"
    yield ""


def _late(look: FirstLook) -> Iterator[str]:
    place = look.place
    if not place.is_daily:
        return
    if place.late_days > USUAL_LATE_DAYS:
        yield _comment(f"Some plays are {place.late_days} days older than the day they came with")
        yield f"late_days = {min(place.late_days, MOST_LATE_DAYS)}"
    if place.future_hours > USUAL_FUTURE_HOURS:
        yield "# Some plays start after the end of their day in UTC: are the days those of another zone?"
        yield f"future_hours = {min(place.future_hours, MOST_FUTURE_HOURS)}"


def _columns(look: FirstLook) -> Iterator[str]:
    yield "# What the feed calls what is read."
    yield "[feed.columns]"
    for target, guess in sorted(look.roles.items()):
        seen = "" if target in PRIVATE else f": {_comment(counted(look.facts, guess.column))[2:]}"
        yield f"{target} = {text(guess.column)}  # {guess.sure}{seen}"
    for target in REQUIRED:
        if target not in look.roles:
            yield f'# {target} = "..."  # MISSING: not guessed'
    yield ""


def _feedback(look: FirstLook) -> Iterator[str]:
    column = look.of("feedback")
    yield "# What each value says: like, share, download, skip and dislike prove attention."
    if column is None:
        yield "# [feed.feedback_map]"
        yield ""
        return
    yield "[feed.feedback_map]"
    for value, meaning in look.feedback.items():
        rows = column.counts[value] if value else column.rows - column.filled
        if meaning is None:
            yield f'# {text(value)} = "..."  # MISSING: {rows:,} rows; say what it means'
        else:
            said = "no value, taken for no action; " if not value else ""
            yield f"{key(value)} = {text(meaning)}  # {said}{rows:,} rows"
    yield ""


def _training(look: FirstLook, window_days: int | None) -> Iterator[str]:
    if window_days is None:
        return
    yield _comment(
        f"The file holds {look.place.days} days: one validates the model, one is weighted, the rest trains"
    )
    yield "[training]"
    yield f"window_days = {window_days}"
    yield ""


def _own_features() -> Iterator[str]:
    yield "# Whatever the feed holds: hour and day (UTC), place in the session, pause, user, song."
    yield ""
    for feature in own_features():
        yield from _feature(feature)


def _features(look: FirstLook) -> Iterator[str]:
    if look.inputs.features:
        yield "# These come with the feed. Check the roles: context moves attention, preference the response."
        yield ""
    for feature in look.inputs.features:
        yield _comment(counted(look.facts, feature.source_column))
        yield from _feature(feature)
    if look.inputs.left_out:
        yield "# Columns that are no feature:"
    for name, reason in look.inputs.left_out.items():
        yield _comment(f"{name!r}: {reason}")


def _feature(feature: Feature) -> Iterator[str]:
    yield "[[features]]"
    yield f"name = {text(feature.name)}"
    yield f"kind = {text(feature.kind)}"
    yield f"role = {text(feature.role)}"
    if feature.source != f"feed.{feature.name}":
        yield f"source = {text(feature.source)}"
    if feature.is_categorical:
        yield f"buckets = {feature.buckets}"
    elif feature.transform != "none":
        yield f"transform = {text(feature.transform)}"
    yield ""
