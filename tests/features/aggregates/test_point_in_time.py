"""Aggregates say what their declaration says, and nothing of what comes at or after a play's start.

Each Spark run holds many small worlds side by side: their users, songs and artists have names of their own,
so no entity of one is seen in another.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from tests.builders import DAY, Event
from tests.features.aggregates.builders import EVERY_FUNCTION, plays_and_features, reference

FIRST = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) - timedelta(days=3)
MIDNIGHT = FIRST + timedelta(days=3)
WORLDS = 60

# A Spark run is dear, so an example draws the seed of all its worlds, and a failing one is not made smaller:
# the assertion names the play.
worlds = settings(
    max_examples=2,
    phases=[Phase.generate],
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
seeds = st.integers(0, 2**32 - 1)


def draw(random: Random, count: int) -> list[tuple[Any, ...]]:
    """Return minute of the start, user, song, length and feedback of some events.

    Half of them fall on the three days before, the others on the day and just after it.
    """
    day = 24 * 60
    return [
        (
            random.choice([random.randrange(3 * day), random.randrange(3 * day, 4 * day + 120)]),
            random.choice(["ann", "bob"]),
            random.choice(["abba/one", "abba/two", "beck/quiet", "nameless"]),
            random.choice([None, 5_000, 30_000, 240_000]),
            random.choice(["auto_play", "auto_play", "like", "skip", "share"]),
        )
        for _ in range(count)
    ]


def events_of(world: int, drawn: list[tuple[Any, ...]], tag: str) -> list[Event]:
    """Return a world's events; each user's starts differ, so that none is before and at another at once."""
    by_start: dict[tuple[str, int], Event] = {}
    for minute, user, song, played_ms, feedback in drawn:
        by_start[user, minute] = Event(
            f"{world}-{tag}-{user}-{minute}",
            FIRST + timedelta(minutes=minute),
            user_id=f"{user} {world}",
            song_id=f"{world} {song}" if "/" in song else f"{song} {world}",
            played_ms=played_ms,
            feedback=feedback,
        )
    return list(by_start.values())


@worlds
@given(seed=seeds)
def test_each_value_is_what_looking_through_all_events_gives(spark: SparkSession, seed: int) -> None:
    random = Random(seed)
    stories = [events_of(world, draw(random, random.randint(4, 14)), "e") for world in range(WORLDS)]
    values_by_play = plays_and_features(spark, [e for story in stories for e in story], DAY, EVERY_FUNCTION)
    assert len(values_by_play) >= WORLDS
    for story in stories:
        for play in story:
            for feature in EVERY_FUNCTION.features.of_origin("aggregate"):
                if play.event_id in values_by_play and feature.aggregate is not None:
                    expected = reference(story, play, DAY, feature.aggregate, EVERY_FUNCTION)
                    value = values_by_play[play.event_id][feature.name]
                    assert value == pytest.approx(expected, abs=1e-9), (feature.name, play)


@worlds
@given(seed=seeds)
def test_nothing_at_or_after_a_plays_start_moves_its_features(spark: SparkSession, seed: int) -> None:
    random = Random(seed)
    before: list[Event] = []
    after: list[Event] = []
    kept: set[str] = set()
    for world in range(WORLDS):
        events = events_of(world, draw(random, random.randint(6, 14)), "e")
        turn = random.choice(sorted({e.played_at for e in events if e.played_at >= MIDNIGHT} or {MIDNIGHT}))
        past = [event for event in events if event.played_at < turn]
        # A play at the turn keeps its place in time, and what becomes of it is another story.
        played_ms, feedback = random.choice([(1_000, "skip"), (None, "like"), (400_000, "dislike")])
        now = [replace(e, played_ms=played_ms, feedback=feedback) for e in events if e.played_at == turn]
        taken = {(event.user_id, event.played_at) for event in now}
        later = [
            event
            for event in events_of(world, draw(random, random.randint(0, 8)), "other")
            if event.played_at >= turn and (event.user_id, event.played_at) not in taken
        ]
        before += events
        after += [*past, *now, *later]
        kept |= {event.event_id for event in [*past, *now]}
    by_story = [plays_and_features(spark, events, DAY, EVERY_FUNCTION) for events in (before, after)]
    compared = kept.intersection(by_story[0])
    assert len(compared) >= WORLDS
    for event_id in compared:
        old, new = ({f.name: plays[event_id][f.name] for f in EVERY_FUNCTION.features} for plays in by_story)
        assert old == new, event_id
