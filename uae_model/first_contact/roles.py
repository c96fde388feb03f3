"""Which column is the user, the song, the time, the time listened, the feedback and the event's id.

A column's name and its values each give points; the column with the most becomes what they say, if they are
enough. How sure a guess is follows from the points and from how far the next column is behind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from uae_model.first_contact import words as w
from uae_model.first_contact.facts import ColumnFacts, median

Target = Literal["user_id", "song_id", "played_at", "played_ms", "feedback", "event_id"]
Sureness = Literal["sure", "likely", "unsure"]

ENOUGH, CERTAIN, CLEAR_LEAD = 1.0, 3.0, 1.0
"""Points that a guess needs, that a sure one has, and by which it leads."""

MOSTLY = 0.5
"""Share of rows in which a required column must have a value."""

MOST_FEEDBACK_VALUES = 60
SHORTEST_PLAY_MS = 3_000
"""A median above it means milliseconds: nobody listens for an hour to the middle one of all plays."""


@dataclass(frozen=True)
class Guess:
    """What a column is taken for.

    Attributes:
        column: its name in the file.
        sure: how sure that is.
        runner_up: the column that comes next; empty where none has points enough.
    """

    column: str
    sure: Sureness
    runner_up: str = ""


def guess_roles(facts: Mapping[str, ColumnFacts]) -> dict[Target, Guess]:
    """Return the guesses, without those that cannot be made. A column is taken for one thing alone."""
    scores: dict[Target, Callable[[ColumnFacts], float]] = {
        "played_at": time_points,
        "feedback": feedback_points,
        "song_id": song_points,
        "user_id": user_points,
        "played_ms": played_points,
        "event_id": event_points,
    }
    taken: set[str] = set()
    guesses: dict[Target, Guess] = {}
    for target, points in scores.items():
        guess = _best({name: points(column) for name, column in facts.items() if name not in taken})
        if guess is not None:
            guesses[target] = guess
            taken.add(guess.column)
    return guesses


def _best(points: Mapping[str, float]) -> Guess | None:
    ranked = sorted((name for name in points if points[name] >= ENOUGH), key=lambda name: -points[name])
    if not ranked:
        return None
    first, second = ranked[0], ranked[1] if len(ranked) > 1 else ""
    lead = points[first] - points[second] if second else CLEAR_LEAD
    if lead < CLEAR_LEAD:
        sure: Sureness = "unsure"
    else:
        sure = "sure" if points[first] >= CERTAIN else "likely"
    return Guess(first, sure, second if lead < CLEAR_LEAD else "")


def _count(words: set[str], vocabulary: frozenset[str]) -> int:
    return len(words & vocabulary)


def _names_something(column: ColumnFacts, vocabulary: frozenset[str]) -> float:
    """Return the points of an id of a kind of thing; text about such a thing has fewer."""
    words = set(w.words_of(column.name))
    if not words & vocabulary or column.filled < MOSTLY * column.rows or column.time_format or column.is_flag:
        return 0.0
    points = 2.0
    if words & w.NAMING or words <= vocabulary:
        points += 2.0
    return points - 2.0 * _count(words - vocabulary - w.NAMING, w.ATTRIBUTE | w.PLAYED | w.DURATION | w.AFTER)


def user_points(column: ColumnFacts) -> float:
    """Return how much speaks for the user."""
    words = set(w.words_of(column.name))
    is_name = "username" in words or words == {"user", "name"}
    return 2.0 if is_name and column.filled >= MOSTLY * column.rows else _names_something(column, w.USER)


def song_points(column: ColumnFacts) -> float:
    """Return how much speaks for the song; its title will do where there is no id."""
    if set(w.words_of(column.name)) in ({"title"}, {"song", "title"}, {"track", "title"}, {"track", "name"}):
        return ENOUGH if column.filled >= MOSTLY * column.rows else 0.0
    return _names_something(column, w.SONG)


def time_points(column: ColumnFacts) -> float:
    """Return how much speaks for the time of the play."""
    if not column.time_format or column.filled < MOSTLY * column.rows:
        return 0.0
    words = set(w.words_of(column.name))
    of_plays = words & (w.TIME | w.START | w.END | w.PLAYED)
    if not of_plays and column.time_format != "iso":
        return 0.0
    points = 1.0 + 2.0 * bool(of_plays) + 1.0 * bool(words & w.START)
    points -= (
        0.5 * bool(words & w.END - w.START) + 3.0 * bool(words & w.OTHER_TIME) + 2.0 * (not column.has_clock)
    )
    return points


def played_points(column: ColumnFacts) -> float:
    """Return how much speaks for the time listened, as a number of milliseconds or seconds."""
    words = set(w.words_of(column.name))
    if not column.numbers or column.time_format or min(column.numbers) < -1 or "count" in words:
        return 0.0
    points = 2.0 * bool(words & w.PLAYED) + 1.0 * bool(words & w.DURATION) + 1.0 * bool("playtime" in words)
    if not words & w.DURATION and "playtime" not in words and max(column.numbers) <= 1:
        return 0.0
    others = words & (w.SONG | w.OF_SONG) - {"duration", "length"}
    return points - 3.0 * bool(others) - 3.0 * bool(words & w.NO_DURATION)


def feedback_points(column: ColumnFacts) -> float:
    """Return how much speaks for the feedback: values whose meaning is known, or a name that says so."""
    words = set(w.words_of(column.name))
    if not 0 < column.distinct <= MOST_FEEDBACK_VALUES or column.time_format or words & {"start", "source"}:
        return 0.0
    if column.is_flag:
        return 2.0 if flag_meaning(column.name) else 0.0
    strong = bool(words & w.FEEDBACK)
    known = {value: meaning for value in column.counts if (meaning := w.meaning_of(value))}
    share = sum(column.counts[value] for value in known) / column.filled
    is_active = any(meaning != "auto_play" for meaning in known.values())
    named = 2.0 * strong + 1.0 * bool(words & w.PERHAPS_FEEDBACK)
    if not (is_active or strong) or column.numbers:
        return ENOUGH if strong else 0.0
    return (3.0 * share if is_active else 0.0) + named


def flag_meaning(name: str) -> str | None:
    """Return what a true value of a column of flags says of a play; None where its name does not tell."""
    words = w.words_of(name)
    meanings = {w.ACTIONS[word] for word in words if word in w.ACTIONS and w.ACTIONS[word] != "auto_play"}
    return meanings.pop() if len(meanings) == 1 and not w.NEGATIONS.intersection(words) else None


def event_points(column: ColumnFacts) -> float:
    """Return how much speaks for the id of the event: it must be another one in every row."""
    words = set(w.words_of(column.name))
    is_id = bool(words & w.NAMING)
    if column.distinct < column.rows or column.filled < column.rows or not is_id or column.time_format:
        return 0.0
    if words & w.EVENT:
        return 4.0
    return 2.0 if words <= w.NAMING else 0.0


def is_end(name: str) -> bool:
    """Tell whether a time is that of the end of a play, by its name."""
    words = set(w.words_of(name))
    return bool(words & w.END) and not words & w.START


def played_unit(column: ColumnFacts) -> tuple[Literal["milliseconds", "seconds"], Sureness]:
    """Return the unit of the time listened: as the name says, else by its size."""
    words = set(w.words_of(column.name))
    if words & w.MILLISECONDS:
        return "milliseconds", "sure"
    if words & w.SECONDS:
        return "seconds", "sure"
    return ("milliseconds" if median(column.numbers) >= SHORTEST_PLAY_MS else "seconds"), "likely"
