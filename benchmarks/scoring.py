"""Scoring a day: the Spark job of ``uae score`` against a bare loop of pyarrow and torch, one core each.

The loop is what one writes for a day that fits one machine: for each file of the day it reads all columns,
encodes the features (each distinct value is hashed once), runs the same networks in the same padded batches
on one torch thread, and writes all columns of the weights table, compressed alike. It relies on the order of
the files (whole sessions, in play order), so it neither shuffles nor sorts; it commits nothing and checks no
constraint. The job does all that. Neither Spark's start is timed nor the loop's imports; and since a night
scores in the process that has just cut the sessions, the job has scored a small day before the timed one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from benchmarks.events import DAY
from benchmarks.measure import Run, timed
from benchmarks.workspace import benchmark_config, emptied, made_once, spark_session, write_plays
from uae_model.config import Config, FeatureSet
from uae_model.features.arrays import buckets_of_column, numbers_of
from uae_model.lake import TableStore, contract_for
from uae_model.models.inference import predict_sessions
from uae_model.models.networks import AttentionNetwork, NetworkShape, PropensityNetwork
from uae_model.models.pair import NetworkPair
from uae_model.pipeline.runner import build
from uae_model.pipeline.steps import SCORES
from uae_model.registry.client import Champion
from uae_model.sessions.positions import session_lengths
from uae_model.weights.functions import passive_weights
from uae_model.weights.resolution import resolve_weight_function

USERS = 50_000
WARM_UP_DAY = DAY - timedelta(days=1)
CLOSE_ENOUGH = 1e-6
VERSION = 1


def prepare(folder: Path, scale: float) -> dict[str, Any]:
    """Write the plays once."""
    users = max(50, int(USERS * scale))
    made_once(folder / "input", lambda place: _write(place, users))
    rows = [pq.read_metadata(file).num_rows for file in _play_files(folder)]
    return {"plays": sum(rows), "files": len(rows)}


def run_spark(folder: Path) -> Run:
    """Score the day with one task at a time."""
    emptied(folder / "input" / "tables" / "scores")
    config = benchmark_config(folder / "input")
    champion = Champion(VERSION, VERSION, untrained_networks(config).to_state(), FeatureSet())
    with spark_session(folder, "local[1]") as spark:
        store = TableStore(spark, config)
        registry: Any = SimpleNamespace(
            champion=lambda: champion,
            champion_versions=lambda: (VERSION, VERSION),
            recorded=lambda version: {},
        )
        build(store, SCORES, WARM_UP_DAY, registry)
        with timed() as run:
            run.units = build(store, SCORES, DAY, registry).counts["rows"]
    return run


def run_loop(folder: Path) -> Run:
    """Score the day file by file."""
    output = emptied(folder / "loop")
    output.mkdir()
    config = benchmark_config(folder / "input")
    pair = untrained_networks(config)
    torch.set_num_threads(1)
    with timed() as run:
        for number, file in enumerate(_play_files(folder)):
            weights = _scored(pq.read_table(file, partitioning=None, use_threads=False), pair, config)
            pq.write_table(weights, output / f"{number:05d}.parquet", compression="zstd")
            run.units += weights.num_rows
    return run


PEERS: dict[str, Callable[[Path], Run]] = {"spark": run_spark, "loop": run_loop}


def compare(folder: Path) -> dict[str, Any]:
    """Compare all rows by event: every column of the plays alike, scores and weights within 1e-6."""
    columns = contract_for("plays", benchmark_config(folder)).columns
    same = " AND ".join(f"s.{name} IS NOT DISTINCT FROM p.{name}" for name in columns if name != "dt")
    apart = ", ".join(f"abs(s.{name} - p.{name})" for name in ("attention", "propensity", "sample_weight"))
    rows = duckdb.execute(
        f"""SELECT count(*), count(s.event_id), count(p.event_id), count(*) FILTER ({same}),
            max(greatest({apart}))
        FROM '{folder}/input/tables/scores/dt={DAY.isoformat()}/*.parquet' s
        FULL JOIN '{folder}/loop/*.parquet' p USING (event_id)"""
    ).fetchall()
    joined, spark, loop, alike, difference = rows[0]
    agree = joined > 0 and joined == spark == loop == alike and difference <= CLOSE_ENOUGH
    return {"agree": agree, "plays": spark, "peer": {"plays": loop}, "largest_difference": difference}


def _write(folder: Path, users: int) -> None:
    with spark_session(folder, "local[*]") as spark:
        store = TableStore(spark, benchmark_config(folder))
        write_plays(store, folder / "events", users, DAY)
        write_plays(store, folder / "warm-up-events", max(50, users // 50), WARM_UP_DAY)


def untrained_networks(config: Config) -> NetworkPair:
    """Return networks of the default sizes with seeded weights: what they say does not matter here."""
    torch.manual_seed(0)
    categorical, numeric = config.features.categorical, config.features.numeric
    sizes = config.network
    buckets = tuple(feature.buckets for feature in categorical)
    shape = NetworkShape(buckets, len(numeric), sizes.embedding, sizes.hidden, sizes.mlp)
    attention = AttentionNetwork(shape, [0.0] * len(numeric), [1.0] * len(numeric))
    return NetworkPair(shape, attention.eval(), PropensityNetwork(shape).eval())


def _play_files(folder: Path) -> list[Path]:
    return sorted((folder / "input" / "tables" / "plays" / f"dt={DAY.isoformat()}").glob("*.parquet"))


def _scored(plays: pa.Table, pair: NetworkPair, config: Config) -> pa.Table:
    categorical = [buckets_of_column(plays[f.column], f.buckets, {}) for f in config.features.categorical]
    numeric = [numbers_of(plays[f.column], f.transform) for f in config.features.numeric]
    is_active = plays["is_active"].to_numpy()
    weighting = resolve_weight_function(config.weights, pair.traits, pair.calibration)
    attention, propensity = predict_sessions(
        pair,
        np.stack(categorical, axis=1),
        np.stack(numeric, axis=1),
        is_active.astype(np.float32),
        session_lengths(plays["position"].to_numpy(), _codes(plays["session_id"]), "table plays"),
        config.scoring.batch_plays,
    )
    weight = np.where(is_active, 1.0, passive_weights(attention, weighting))
    columns = {
        "attention": pa.array(attention),
        "propensity": pa.array(propensity),
        "sample_weight": pa.array(weight),
        "attention_model_version": pa.repeat(VERSION, len(weight)),
        "propensity_model_version": pa.repeat(VERSION, len(weight)),
        "weighting": pa.repeat(weighting.describe(), len(weight)),
        "run_id": pa.repeat("benchmark", len(weight)),
    }
    for name, values in columns.items():
        plays = plays.append_column(name, values)
    return plays


def _codes(values: pa.ChunkedArray) -> NDArray[np.int64]:
    codes: NDArray[np.int64] = values.combine_chunks().dictionary_encode().indices.to_numpy()
    return codes
