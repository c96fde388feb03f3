"""Simulated plays as arrays and as a training snapshot, without Spark: the same world, features and files.

Shape suffixes: N plays, session by session in play order; S sessions; F features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uae_model.config import Config, Feature
from uae_model.features.arrays import buckets_of, numbers_of
from uae_model.simulation.columns import feature_columns
from uae_model.simulation.listening import Plays, draw_plays
from uae_model.simulation.world import Block, World
from uae_model.snapshot.manifest import Manifest, SnapshotSplit
from uae_model.snapshot.padding import choose_padded_lengths
from uae_model.snapshot.write_arrays import EncodedSessions, write_array_split

ROW_GROUP_SESSIONS = 128
HOUR_MS = 3_600_000

Array = NDArray[Any]


@dataclass(frozen=True)
class SimulatedPlays:
    """Encoded plays and their truth; ``lengths_S`` are the plays of each session."""

    lengths_S: Array
    categorical_NF: Array
    numeric_NF: Array
    feedback_N: Array
    attended_N: Array
    share_N: Array
    propensity_N: Array

    @property
    def plays(self) -> int:
        """Number of plays."""
        return len(self.feedback_N)

    @property
    def position_N(self) -> Array:
        """Each play's place in its session, from 0."""
        return _position(self.lengths_S)


def simulate_plays(world: World, days: Sequence[int], config: Config) -> SimulatedPlays:
    """Return the plays of some days (0 is the first) of a calibrated world, with the configured features."""
    blocks = [Block(day, index) for day in days for index in range(world.blocks_per_day)]
    return join([encode(world, block, draw_plays(world, block), config) for block in blocks])


def join(parts: Sequence[SimulatedPlays]) -> SimulatedPlays:
    """Return plays one after another."""
    return SimulatedPlays(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(SimulatedPlays)
        }
    )


def write_simulated_snapshot(
    root: Path, train: SimulatedPlays, validation: SimulatedPlays, config: Config
) -> Manifest:
    """Write a snapshot in the form of ``uae_model.snapshot.write`` and return its manifest."""
    statistics = [_statistics(values_N) for values_N in train.numeric_NF.T]
    manifest = Manifest(
        snapshot_id=root.name,
        root=str(root),
        table_version=0,
        features=config.features,
        numeric_mean=tuple(mean for mean, _ in statistics),
        numeric_deviation=tuple(deviation for _, deviation in statistics),
        train=_write_split(root, "train", train, config),
        validation=_write_split(root, "validation", validation, config),
    )
    manifest.save()
    return manifest


def encode(
    world: World, block: Block, plays: Plays, config: Config, position_N: Array | None = None
) -> SimulatedPlays:
    """Return a block's plays with the configured features.

    ``position_N`` is each play's position in its session where the plays are not whole sessions.
    """
    starts = np.flatnonzero(np.diff(plays.session_N, prepend=-1))
    lengths_S = np.diff(np.append(starts, len(plays.session_N)))
    position_N = _position(lengths_S) + 1 if position_N is None else position_N
    values = _feature_values(world, block, plays, position_N, config)
    categorical = [_buckets(values[feature.name], feature.buckets) for feature in config.features.categorical]
    numeric = [numbers_of(values[feature.name], feature.transform) for feature in config.features.numeric]
    return SimulatedPlays(
        lengths_S=lengths_S,
        categorical_NF=np.stack(categorical, axis=1),
        numeric_NF=np.stack(numeric, axis=1),
        feedback_N=plays.active_N.astype(np.float32),
        attended_N=plays.attended_N,
        share_N=plays.share_N,
        propensity_N=plays.propensity_N,
    )


def _feature_values(
    world: World, block: Block, plays: Plays, position_N: Array, config: Config
) -> dict[str, Array]:
    """Return what the sessions step derives and what the feed delivers, by feature."""
    weekday = (world.first_day + timedelta(days=block.day)).isoweekday()
    new_session_N = np.append(True, plays.session_N[1:] != plays.session_N[:-1])
    end_ms_N = plays.start_ms_N + plays.played_ms_N
    gap_N = np.append(0, (plays.start_ms_N[1:] - end_ms_N[:-1]) / 1000.0)
    midnights_N = plays.start_ms_N // (24 * HOUR_MS)
    derived: dict[str, Callable[[], Array]] = {
        "session.position": lambda: position_N,
        "session.gap_seconds": lambda: np.where(new_session_N, 0.0, gap_N),
        "session.hour_of_day": lambda: plays.start_ms_N // HOUR_MS % 24,
        "session.day_of_week": lambda: (weekday - 1 + midnights_N) % 7 + 1,
        "event.user_id": lambda: plays.user_N,
        "event.song_id": lambda: plays.song_N,
    }

    def value(feature: Feature) -> Array:
        if feature.source in derived:
            return derived[feature.source]()
        column = feature_columns([feature.source_column], world, plays)[feature.source_column]
        values_N: Array = column.to_numpy(zero_copy_only=False)
        return values_N

    return {feature.name: value(feature) for feature in config.features}


def _buckets(values: Array, buckets: int) -> Array:
    distinct, index = np.unique(values, return_inverse=True)
    buckets_N: Array = buckets_of(distinct.tolist(), buckets)[index]
    return buckets_N


def _position(lengths_S: Array) -> Array:
    starts = np.cumsum(lengths_S) - lengths_S
    position_N: Array = np.arange(int(lengths_S.sum())) - np.repeat(starts, lengths_S)
    return position_N


def _statistics(values_N: Array) -> tuple[float, float]:
    """Return mean and deviation as the snapshot step does: deviation 1 where nothing varies or is known."""
    known_N = values_N[~np.isnan(values_N)]
    if len(known_N) == 0:
        return 0.0, 1.0
    return float(known_N.mean()), float(known_N.std()) or 1.0


def _write_split(root: Path, name: str, plays: SimulatedPlays, config: Config) -> SnapshotSplit:
    lengths_S = plays.lengths_S
    return write_array_split(
        root,
        name,
        EncodedSessions(lengths_S, plays.categorical_NF, plays.numeric_NF, plays.feedback_N),
        choose_padded_lengths(Counter(lengths_S.tolist()), config.snapshot.min_fill),
        days=(name,),
        row_group_sessions=ROW_GROUP_SESSIONS,
        order=np.random.default_rng(config.training.seed).permutation(len(lengths_S)),
    )
