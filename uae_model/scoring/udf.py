"""Scoring a day: plays in, the same rows with attention, propensity and sample weight out, in one pass."""

from __future__ import annotations

import gc
import io
import math
import sys
import zipimport
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyspark import Broadcast
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.functions import pandas_udf

from uae_model.config import Config
from uae_model.features.columns import bucket_columns, number_columns
from uae_model.sessions.positions import session_lengths
from uae_model.weights.columns import sample_weight, shifted_attention

if TYPE_CHECKING:
    from uae_model.models.pair import AttentionKind, NetworkPair
    from uae_model.weights.functions import WeightFunction

Columns = tuple[NDArray[Any], ...]
"""Columns of the same plays."""

SCORES = "attention double, propensity double"
"""What Python gives back of a play."""

CHUNK_PLAYS = 65_536
"""Plays a worker collects before it predicts: enough sessions to fill batches of similar length."""


def score_plays(
    plays: DataFrame,
    networks: Broadcast[bytes],
    weighting: WeightFunction,
    config: Config,
    play_count: int,
    *,
    in_order: bool = False,
) -> DataFrame:
    """Return the plays with ``attention``, ``propensity``, ``sample_weight`` and ``weighting``; no join back.

    The number of tasks and the order within them follow from the plays alone, so the same plays give
    the same numbers on any cluster.

    Args:
        plays: rows of ``plays``, whole sessions.
        networks: the serialised state of a ``NetworkPair``.
        weighting: the weight function, with the numbers that the model fills in.
        config: the features and the batch size.
        play_count: rows of ``plays``, from which the number of tasks follows.
        in_order: whether each task has whole sessions in play order (``scoring.order``): then the files of
            the plays say which plays are predicted together, and last digits follow from them.
    """
    tasks = max(1, math.ceil(play_count / config.scoring.rows_per_task))
    categorical = len(config.features.categorical)
    scoring = scorer(networks, categorical, config.scoring.batch_plays, weighting.kind)
    # Deterministic, the optimizer would evaluate it once for every use of its result.
    score = pandas_udf(scoring, SCORES).asNondeterministic()  # type: ignore[call-overload]
    scores = F.col("_scores")
    if not in_order:
        plays = plays.repartition(tasks, "session_id").sortWithinPartitions("session_id", "position")
    scored = (
        plays.withColumn("_scores", score(*network_inputs(config)))
        .withColumn("attention", shifted_attention(scores["attention"], weighting))
        .withColumn("propensity", scores["propensity"])
        .drop("_scores")
    )
    weight = sample_weight(F.col("attention"), F.col("is_active"), weighting)
    return scored.withColumn("sample_weight", weight).withColumn("weighting", F.lit(weighting.describe()))


def network_inputs(config: Config) -> list[Column]:
    """Return what the networks read of a play: only this is carried to Python and back.

    Position, session (a hash of it: neighbours are told apart, which takes no text), e, then the bucket of
    every categorical feature and the number of every numeric one.
    """
    return [
        F.col("position"),
        F.xxhash64("session_id"),
        F.col("is_active").cast("float"),
        *bucket_columns(config),
        *number_columns(config),
    ]


def serialise(state: dict[str, Any]) -> bytes:
    """Return a pair's state as bytes for a broadcast."""
    import torch

    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


LOADED_NETWORKS: dict[int, NetworkPair] = {}
"""Networks of this Python worker by broadcast id: loaded once a worker, not once a task."""


def scorer(
    networks: Broadcast[bytes], categorical: int, batch_plays: int, kind: AttentionKind
) -> Callable[[Iterator[tuple[pd.Series, ...]]], Iterator[pd.DataFrame]]:
    """Return the function that workers run: batches of ``network_inputs`` in, batches of ``SCORES`` out.

    Args:
        networks: the serialised state of a ``NetworkPair``.
        categorical: how many of the features are categorical.
        batch_plays: plays predicted at a time.
        kind: which probability of attention is wanted.
    """

    def score(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.DataFrame]:
        pair = load_networks(networks)
        columns = (tuple(column.to_numpy() for column in batch) for batch in batches)
        for plays in whole_sessions(columns, COLUMNS):
            attention, propensity = predict(plays, pair, categorical, batch_plays, kind)
            yield pd.DataFrame({"attention": attention, "propensity": propensity})

    return score


def load_networks(networks: Broadcast[bytes]) -> NetworkPair:
    """Return the networks of a broadcast, loaded where this worker does not hold them yet."""
    import torch

    from uae_model.models.pair import NetworkPair
    from uae_model.scoring.udf import (
        LOADED_NETWORKS,  # the module's own, not the copy pickled with the function
    )

    key = hash(networks.value)
    if key not in LOADED_NETWORKS:
        torch.set_num_threads(1)  # Spark runs one task a core
        LOADED_NETWORKS.clear()
        state = torch.load(io.BytesIO(networks.value), weights_only=True)
        LOADED_NETWORKS[key] = NetworkPair.from_state(state)
        forget_zip_files()
        gc.freeze()  # what is loaded stays: no collection of a later task need look at it
    return LOADED_NETWORKS[key]


def forget_zip_files() -> None:
    """Drop this process's finders of zip archives; an import makes them anew where it needs them.

    PySpark calls ``importlib.invalidate_caches`` at the start of every task, and Python 3.11 answers by
    reading the directory of each archive on the path again, pyspark.zip among them: 0.1 to 0.2 s a task
    (https://github.com/python/cpython/issues/103200).
    """
    for place, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[place]


Plays = TypeVar("Plays")


@dataclass(frozen=True)
class Handling(Generic[Plays]):
    """How plays are handled that come as columns of one kind or another.

    Attributes:
        positions: returns the place of each play in its session.
        part: returns the plays from one row to another.
        joined: returns several batches as one.
    """

    positions: Callable[[Plays], NDArray[Any]]
    part: Callable[[Plays, int, int], Plays]
    joined: Callable[[list[Plays]], Plays]


def _joined(batches: list[Columns]) -> Columns:
    return tuple(np.concatenate(columns) for columns in zip(*batches, strict=True))


COLUMNS: Handling[Columns] = Handling(
    positions=lambda plays: plays[0],
    part=lambda plays, first, last: tuple(column[first:last] for column in plays),
    joined=_joined,
)
"""Columns of plays, (plays,) each, position first."""


def whole_sessions(batches: Iterable[Plays], handling: Handling[Plays]) -> Iterator[Plays]:
    """Regroup sorted plays into whole sessions, about ``CHUNK_PLAYS`` plays at a time.

    Batches are cut by rows, in the middle of sessions; a session starts where position is 1.

    Args:
        batches: of plays.
        handling: of such batches.
    """
    waiting: list[Plays] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += len(handling.positions(batch))
        if rows < CHUNK_PLAYS:
            continue
        plays = handling.joined(waiting)
        starts = np.flatnonzero(handling.positions(plays) == 1)
        last_start = int(starts[-1]) if len(starts) else 0
        if last_start > 0:
            yield handling.part(plays, 0, last_start)
        waiting = [handling.part(plays, last_start, rows)]
        rows -= last_start
    if rows:
        yield handling.joined(waiting)


def predict(
    plays: Columns, pair: NetworkPair, categorical: int, batch_plays: int, kind: AttentionKind
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return attention and propensity of plays of whole sessions.

    Args:
        plays: as ``network_inputs`` has them.
        pair: the networks.
        categorical: how many of the features are categorical.
        batch_plays: plays predicted at a time.
        kind: which probability of attention is wanted.

    Raises:
        ContractError: if the positions of a session are not 1, 2, 3, ...
    """
    from uae_model.models.inference import predict_sessions

    position, session, feedback, *features = plays
    buckets, numbers = features[:categorical], features[categorical:]
    return predict_sessions(
        pair,
        np.stack(buckets, axis=1).astype(np.int64) if buckets else np.empty((len(position), 0), np.int64),
        np.stack(numbers, axis=1) if numbers else np.empty((len(position), 0), np.float32),
        feedback,
        session_lengths(position, session, "table plays"),
        batch_plays,
        kind,
    )
