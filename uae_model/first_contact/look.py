"""From a sample to what is believed of it: roles, feedback, features, and what is left to a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import get_args

from uae_model.config import Feedback
from uae_model.config.base import TimeFormat
from uae_model.first_contact.facts import FALSE, TRUE, ColumnFacts, facts_of, instant_of_text
from uae_model.first_contact.inputs import FeatureGuesses, guess_inputs
from uae_model.first_contact.place import FeedPlace, place_of
from uae_model.first_contact.roles import Guess, Target, flag_meaning, guess_roles, is_end, played_unit
from uae_model.first_contact.sample import FeedSample, read_sample
from uae_model.first_contact.words import meaning_of

REQUIRED: tuple[Target, ...] = ("user_id", "song_id", "played_at", "feedback")
ACTIVE = ("like", "share", "download", "skip", "dislike")
MOST_MAPPED = 60


@dataclass(frozen=True)
class FirstLook:
    """All that is believed of a feed.

    Attributes:
        path: what was looked at.
        sample: the rows that were read.
        facts: of each column.
        roles: which column is what.
        feedback: what each value of feedback means, None where it is not known; "" stands for no value.
        inputs: the features, and the columns that are none.
        place: where the feed lies.
    """

    path: Path
    sample: FeedSample
    facts: dict[str, ColumnFacts]
    roles: dict[Target, Guess]
    feedback: dict[str, Feedback | None]
    inputs: FeatureGuesses
    place: FeedPlace

    @property
    def time_format(self) -> TimeFormat:
        """How the times are written; iso where none was understood."""
        column = self.of("played_at")
        return column.time_format if column is not None and column.time_format else "iso"

    def of(self, target: Target) -> ColumnFacts | None:
        """Return what was seen of the column that is taken for something."""
        guess = self.roles.get(target)
        return None if guess is None else self.facts[guess.column]

    def gaps(self) -> list[str]:
        """Return what could not be guessed and a person has to say, each in one line."""
        return [*_missing_roles(self), *_unknown_feedback(self)]

    def doubts(self) -> list[str]:
        """Return what was guessed and should be looked at, each in one line."""
        return [*_unsure_roles(self), *_doubtful_times(self), *_doubtful_rows(self)]


def look_at(path: Path) -> FirstLook:
    """Look at a file, or at the files of a folder.

    Raises:
        InputError: if there is nothing that can be read: in words, with what to do.
    """
    full = path.resolve()
    sample = read_sample(full)
    facts = {
        name: facts_of(name, values, is_typed_time=name in sample.typed_times)
        for name, values in sample.columns.items()
    }
    roles = guess_roles(facts)
    inputs = guess_inputs(facts, {guess.column for guess in roles.values()})
    inputs = FeatureGuesses(inputs.features, {**sample.left_out, **inputs.left_out})
    times = facts[roles["played_at"].column] if "played_at" in roles else None
    place = place_of(full, sample, _instants(sample, times))
    feedback = feedback_of(facts[roles["feedback"].column]) if "feedback" in roles else {}
    return FirstLook(full, sample, facts, roles, feedback, inputs, place)


def _instants(sample: FeedSample, times: ColumnFacts | None) -> list[datetime | None]:
    if times is None:
        return [None] * sample.rows
    known = {text: instant_of_text(text, times.time_format) for text in times.counts}
    return [known.get((value or "").strip()) for value in sample.columns[times.name]]


def feedback_of(column: ColumnFacts) -> dict[str, Feedback | None]:
    """Return what each value of a column of feedback means; no value means that nothing was done."""
    said = flag_meaning(column.name) if column.is_flag else None
    meanings: dict[str, Feedback | None] = {}
    for value in list(column.counts)[:MOST_MAPPED]:
        meanings[value] = _of_flag(value, said) if said else meaning_of(value)
    if column.filled < column.rows:
        meanings[""] = "auto_play"
    return meanings


def _of_flag(value: str, said: str) -> Feedback | None:
    text = value.strip().lower()
    if text in TRUE:
        return next(kind for kind in get_args(Feedback) if kind == said)
    return "auto_play" if text in FALSE else None


def _missing_roles(look: FirstLook) -> list[str]:
    told = {
        "user_id": "no column seems to be the user",
        "song_id": "no column seems to be the song",
        "played_at": "no column seems to be the time of the play",
        "feedback": "no column seems to be the feedback (what the listener did: like, skip, nothing)",
    }
    lines = [f"{told[target]}; name it in [feed.columns]" for target in REQUIRED if target not in look.roles]
    if "played_at" in look.roles:
        return lines
    for column in look.facts.values():
        if column.other_time in ("unread", "nanoseconds"):
            lines.append(
                f"the times of {column.name!r}, such as {column.example!r}, are of no form that is read; "
                "write them as 2026-01-05T13:00:00+01:00, or as seconds or milliseconds since 1970"
            )
    return lines


def _unknown_feedback(look: FirstLook) -> list[str]:
    column = look.of("feedback")
    if column is None:
        return []
    unknown = [value for value, meaning in look.feedback.items() if meaning is None]
    lines = []
    if unknown:
        rows = sum(column.counts[value] for value in unknown)
        shown = ", ".join(repr(value) for value in unknown[:8])
        lines.append(
            f"the meaning of {shown} of {column.name!r} ({rows:,} rows) is not known; say it in "
            "[feed.feedback_map]"
        )
    if not set(look.feedback.values()).intersection(ACTIVE):
        lines.append(
            f"no value of {column.name!r} is known to be an action; without any there is nothing to learn "
            "from"
        )
    return lines


def _unsure_roles(look: FirstLook) -> list[str]:
    lines = []
    for target, guess in look.roles.items():
        if guess.sure != "sure":
            other = f"; {guess.runner_up!r} might be it as well" if guess.runner_up else ""
            lines.append(f"{target} is taken from {guess.column!r} ({guess.sure}){other}")
    others = [name for name in look.facts if look.facts[name].is_flag and flag_meaning(name)]
    chosen = look.roles.get("feedback")
    rest = [name for name in others if chosen is not None and name != chosen.column]
    if chosen is not None and rest:
        lines.append(
            f"{', '.join(rest)} may be feedback too, and {chosen.column} alone is read; write one column of "
            f"what was done, such as {_as_one_column([chosen.column, *rest])}"
        )
    played = look.of("played_ms")
    if played is not None and played_unit(played)[1] != "sure":
        lines.append(f"{played.name!r} is taken for {played_unit(played)[0]}, by its size")
    if played is None:
        lines.append("no column seems to be the time listened; sessions are then cut from start to start")
    return lines


def _as_one_column(names: list[str]) -> str:
    """Return how several columns become one, in words: 'like' where liked, 'skip' where skipped."""
    parts = [f"{meaning!r} where {name}" for name in names if (meaning := flag_meaning(name))]
    return f"{', '.join(parts)}, nothing elsewhere"


def _doubtful_times(look: FirstLook) -> list[str]:
    column = look.of("played_at")
    if column is None:
        return []
    lines = []
    if not column.has_zone:
        lines.append(
            f"the times of {column.name!r} name no zone and are taken for UTC; write "
            "their offset if they are not"
        )
    if not column.has_clock:
        lines.append(f"{column.name!r} says the day alone; without the hour no session can be cut")
    if is_end(column.name):
        lines.append(f'{column.name!r} is taken for the end of a play (feed.time_of = "end")')
    return lines


def _doubtful_rows(look: FirstLook) -> list[str]:
    lines = [f"{rows:,} rows: {kind}" for kind, rows in look.sample.faults.items()]
    for target in REQUIRED:
        column = look.of(target)
        empty = 0 if column is None else column.rows - column.filled
        if column is not None and empty and target != "feedback":
            lines.append(
                f"{column.name!r} is empty in {empty:,} of {column.rows:,} rows, which will be quarantined"
            )
    if "" in look.feedback and (column := look.of("feedback")) is not None:
        empty = column.rows - column.filled
        lines.append(f"{column.name!r} is empty in {empty:,} rows, which is taken for no action")
    if "event_id" in look.facts and "event_id" not in look.roles:
        lines.append("'event_id' is not another one in every row: rows that share it count as one play")
    return lines


def examples(column: ColumnFacts, most: int = 3) -> str:
    """Return the most frequent values of a column, as a comment shows them."""
    return ", ".join(repr(value[:40]) for value in list(column.counts)[:most])


def counted(facts: Mapping[str, ColumnFacts], name: str) -> str:
    """Return how much a column holds, as a comment says it."""
    column = facts[name]
    return f"{column.distinct:,} values, e.g. {examples(column)}"
