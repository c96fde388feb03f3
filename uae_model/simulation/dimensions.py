"""Feeds of dimensions of a simulated world: attributes of users and songs, some of which change.

The first slot states the attributes of every entity, each later one those that changed on its day. The first
values equal those that a feed of plays has in a column of the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pyarrow as pa

from uae_model.config import Dimension
from uae_model.core.dates import midnight
from uae_model.core.errors import InputError
from uae_model.simulation.catalog import GENRES
from uae_model.simulation.feed import Defects
from uae_model.simulation.hashing import Floats, Ints, uniform
from uae_model.simulation.traits import artist_of, genre_of
from uae_model.simulation.world import World

DAILY_CHANGES = {"subscription": 0.02, "country": 0.002, "genre": 0.002}
"""Share of the entities whose attribute is drawn anew on a day; the others never change."""

SUBSCRIPTIONS, COUNTRIES = 3, 20
FIRST_YEAR, LAST_YEAR = 1960, 2025
DAY_SECONDS = 86_400


def dimension_rows(world: World, dimension: Dimension, day: int, defects: Defects) -> pa.Table:
    """Return the rows of one slot: the id, ``valid_from`` as text, and the attributes, under their targets.

    A share ``defects.late`` of the changes comes a day late, and ``defects.bad`` of the rows have a copy
    whose time cannot be read.

    Args:
        world: users and songs.
        dimension: the attributes.
        day: of the slot; 0 is the first.
        defects: what is wrong with the feed.

    Raises:
        InputError: naming an attribute that the simulator does not know.
    """
    _require_known(dimension)
    count = world.users if dimension.entity == "user" else world.songs
    id_N = np.arange(count)
    parts = [_changes(world, dimension, day, id_N[~_is_late(world, dimension, day, id_N, defects)])]
    if day > 0:
        late_N = id_N[_is_late(world, dimension, day - 1, id_N, defects)]
        parts.append(_changes(world, dimension, day - 1, late_N))
    rows = pa.concat_tables(parts).combine_chunks()
    spoilt_N = uniform(world.seed, f"bad {dimension.table} {day}", np.arange(rows.num_rows)) < defects.bad
    spoilt = rows.filter(pa.array(spoilt_N))
    text = pa.array(["soon"] * spoilt.num_rows, pa.string())
    return pa.concat_tables([rows, spoilt.set_column(1, "valid_from", text)]).combine_chunks()


def _require_known(dimension: Dimension) -> None:
    known = _KINDS[dimension.entity]
    wrong = [name for name, kind in dimension.attributes.items() if known.get(name) != kind]
    if wrong:
        allowed = ", ".join(f"{name} ({kind})" for name, kind in known.items())
        raise InputError(
            f"simulation: dimension {dimension.table} has no attribute {', '.join(wrong)}; known: {allowed}"
        )


def _changes(world: World, dimension: Dimension, day: int, id_N: Ints) -> pa.Table:
    """Return the entities, of those given, of which something changes on a day; all of them on the first."""
    seconds_N = np.zeros(len(id_N))
    is_changed_N = np.full(len(id_N), day == 0)
    for name in dimension.attributes:
        is_changed_N |= _is_redrawn(world, name, day, id_N)
    if day > 0:
        seconds_N = DAY_SECONDS * uniform(world.seed, f"change of {dimension.table} {day}", id_N)
    changed_N = id_N[is_changed_N]
    times = [
        midnight(world.first_day) + timedelta(days=day, seconds=int(second))
        for second in seconds_N[is_changed_N]
    ]
    columns: dict[str, pa.Array] = {
        dimension.key: pa.array(
            [f"{dimension.entity}-{number}" for number in changed_N.tolist()], pa.string()
        ),
        "valid_from": pa.array([f"{time:%Y-%m-%dT%H:%M:%S}Z" for time in times], pa.string()),
    }
    for name in dimension.attributes:
        columns[name] = _VALUES[name](world, _drawn(world, name, day, changed_N), changed_N)
    return pa.table(columns)


def _is_redrawn(world: World, name: str, day: int, id_N: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if day == 0:
        return np.zeros(len(id_N), bool)
    return np.asarray(uniform(world.seed, f"new {name} {day}", id_N) < DAILY_CHANGES.get(name, 0.0))


def _is_late(
    world: World, dimension: Dimension, day: int, id_N: Ints, defects: Defects
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Tell whose changes of a day come with the next slot; the first slot is whole, the last takes all."""
    if day in (0, world.days):
        return np.zeros(len(id_N), bool)
    return np.asarray(uniform(world.seed, f"late {dimension.table} {day}", id_N) < defects.late)


def _drawn(world: World, name: str, day: int, id_N: Ints) -> Floats:
    """Return the number each value follows from: of the last day, up to ``day``, on which it was drawn."""
    drawn_N = uniform(world.seed, name, id_N)
    for earlier in range(1, day + 1):
        anew_N = uniform(world.seed, f"{name} from day {earlier}", id_N)
        drawn_N = np.where(_is_redrawn(world, name, earlier, id_N), anew_N, drawn_N)
    return np.asarray(drawn_N)


def _genre(world: World, drawn_N: Floats, song_N: Ints) -> pa.Array:
    """Return the artist's genre, and another one once it was drawn anew."""
    is_first_N = drawn_N == uniform(world.seed, "genre", song_N)
    code_N = np.where(
        is_first_N, genre_of(world, artist_of(world, song_N)), (len(GENRES) * drawn_N).astype(np.int64)
    )
    return pa.array(GENRES).take(pa.array(code_N))


def _named(name: str, count: int) -> Callable[[World, Floats, Ints], pa.Array]:
    def values(_: World, drawn_N: Floats, __: Ints) -> pa.Array:
        numbers = (drawn_N**1.5 * count).astype(np.int64).tolist()  # as in the feed of plays
        return pa.array([f"{name}-{number}" for number in numbers], pa.string())

    return values


def _release_year(_: World, drawn_N: Floats, __: Ints) -> pa.Array:
    return pa.array(np.floor(FIRST_YEAR + drawn_N * (LAST_YEAR + 1 - FIRST_YEAR)))


_VALUES: dict[str, Callable[[World, Floats, Ints], pa.Array]] = {
    "country": _named("country", COUNTRIES),
    "subscription": _named("subscription", SUBSCRIPTIONS),
    "genre": _genre,
    "release_year": _release_year,
}
_KINDS: dict[str, dict[str, str]] = {
    "user": {"country": "categorical", "subscription": "categorical"},
    "song": {"genre": "categorical", "release_year": "numeric"},
}
