"""Small sessions, batches and snapshots for the torch side, and plays for the Spark side; no Spark import."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from uae_model.config import FeatureSet
from uae_model.config.model_sections import NetworkSettings, TrainingSettings
from uae_model.features.arrays import buckets_of, numbers_of
from uae_model.models.batch import SessionBatch, length_mask
from uae_model.models.inference import predict_sessions
from uae_model.models.networks import AttentionNetwork, NetworkShape, PropensityNetwork
from uae_model.models.pair import AttentionKind, NetworkPair, Prediction
from uae_model.models.process_group import ProcessGroup
from uae_model.snapshot.manifest import Manifest, SnapshotSplit
from uae_model.snapshot.write_arrays import EncodedSessions, write_array_split
from uae_model.training.evaluate import evaluate
from uae_model.training.job import TrainingJob, TrainingResult
from uae_model.training.loop import Trainer
from uae_model.training.reporting import Reporter, SilentReporter

BUCKETS = (500, 7)
SHAPE = NetworkShape(buckets=BUCKETS, numeric=2, embedding=3, hidden=4, mlp=(32, 16))
NETWORK = NetworkSettings(embedding=3, hidden=4, feedback_hidden=4, mlp=(32, 16))
FEATURES = FeatureSet.of_plain(
    [
        {"name": "number", "kind": "categorical", "buckets": BUCKETS[0], "role": "both"},
        {"name": "size", "kind": "numeric", "role": "context"},
        {"name": "kind", "kind": "categorical", "buckets": BUCKETS[1], "role": "both"},
        {"name": "pause", "kind": "numeric", "role": "preference"},
    ]
)


@dataclass(frozen=True)
class SmallSession:
    """One session: the first categorical column of its first play carries its number, so it can be found."""

    number: int
    categorical_TF: np.ndarray[Any, Any]
    numeric_TF: np.ndarray[Any, Any]
    feedback_T: np.ndarray[Any, Any]

    @property
    def length(self) -> int:
        return len(self.feedback_T)


def small_sessions(
    lengths: Sequence[int], *, seed: int = 0, active_rate: float = 0.3, first: int = 1
) -> list[SmallSession]:
    """Return sessions of these lengths with random features; activity follows the second feature a little."""
    random = np.random.default_rng(seed)
    sessions = []
    for number, length in enumerate(lengths, start=first):
        kind = random.integers(0, BUCKETS[1] + 1, size=length)
        categorical = np.stack([np.full(length, number), kind], axis=1).astype(np.int32)
        numeric = random.normal(size=(length, 2)).astype(np.float32)
        chance = np.clip(active_rate * (0.5 + kind / 4), 0.02, 0.95)
        feedback = (random.random(length) < chance).astype(np.float32)
        sessions.append(SmallSession(number, categorical, numeric, feedback))
    return sessions


def batch_of(sessions: Sequence[SmallSession], steps: int | None = None) -> SessionBatch:
    """Return the sessions as one batch, padded with zeros to ``steps``."""
    longest = steps or max(session.length for session in sessions)
    lengths = torch.tensor([session.length for session in sessions])
    return SessionBatch(
        torch.from_numpy(np.stack([_padded(s.categorical_TF, longest) for s in sessions])).long(),
        torch.from_numpy(np.stack([_padded(s.numeric_TF, longest) for s in sessions])),
        torch.from_numpy(np.stack([_padded(s.feedback_T, longest) for s in sessions])),
        length_mask(lengths, longest),
    )


def network_pair(shape: NetworkShape = SHAPE, seed: int = 0) -> NetworkPair:
    """Return a pair with random weights whose outputs differ clearly from play to play."""
    torch.manual_seed(seed)
    mean, deviation = [0.1] * shape.numeric, [1.5] * shape.numeric
    attention, propensity = AttentionNetwork(shape, mean, deviation), PropensityNetwork(shape)
    with torch.no_grad():
        for network in (attention, propensity):
            for parameter in network.parameters():
                parameter.add_(0.3 * torch.randn_like(parameter))
    return NetworkPair(shape, attention.eval(), propensity.eval())


def constant_feedback(sessions: Sequence[SmallSession], value: float) -> list[SmallSession]:
    """Return the sessions with every play active (1) or passive (0)."""
    return [dataclasses.replace(s, feedback_T=np.full(s.length, value, np.float32)) for s in sessions]


class FixedPredictions:
    """Stands in for trained networks: each batch with what is predicted for it."""

    def __init__(self, cases: Sequence[tuple[SessionBatch, Tensor, Tensor]]) -> None:
        self.cases = cases

    def predict(self, batch: SessionBatch, *kinds: AttentionKind) -> Prediction:
        """Return what is fixed for a batch, and the likelihood of plays that are independent."""
        alpha_BT, p_BT = next((alpha_BT, p_BT) for known, alpha_BT, p_BT in self.cases if known is batch)
        active_BT = (alpha_BT.double() * p_BT.double()).clamp(1e-7, 1 - 1e-7)
        e_BT = batch.feedback_BT.double()
        likelihood_BT = e_BT * active_BT.log() + (1 - e_BT) * (1 - active_BT).log()
        return Prediction(dict.fromkeys(kinds, alpha_BT.double()), p_BT.double(), likelihood_BT)


def evaluated(cases: Sequence[tuple[SessionBatch, Tensor, Tensor]]) -> dict[str, float]:
    """Return the metrics of one process for batches, each with its attention_BT and propensity_BT."""
    model: Any = FixedPredictions(cases)
    return evaluate(model, [batch for batch, _, _ in cases], ProcessGroup())


def pair_for(config: Any, seed: int = 0) -> NetworkPair:
    """Return a small pair with random weights for a configuration's features."""
    shape = NetworkShape(
        buckets=config.features.buckets,
        numeric=len(config.features.numeric),
        embedding=2,
        hidden=4,
        mlp=(8,),
    )
    return network_pair(shape, seed)


def training_settings(**changes: Any) -> TrainingSettings:
    """Return quick settings of one process."""
    return TrainingSettings(
        **{
            "estimator": "uae",
            "feature_roles": False,
            "epochs": 3,
            "patience": 3,
            "weight_decay": 0.0,
            "learning_rate_decay": 1.0,
            "batch_plays": 48,
            "learning_rate_attention": 1e-2,
            "learning_rate_propensity": 1e-2,
            "processes": 1,
            **changes,
        }
    )


def training_job(manifest: Manifest, checkpoints: Path, **changes: Any) -> TrainingJob:
    """Return a job on a snapshot; ``changes`` are training settings."""
    return TrainingJob(
        snapshot_root=manifest.root,
        network=NETWORK,
        training=training_settings(**changes),
        checkpoint_folder=str(checkpoints),
    )


def train(job: TrainingJob, reporter: Reporter | None = None) -> TrainingResult:
    """Train in this process, on the CPU, as ``train_on_this_rank`` does."""
    torch.manual_seed(job.training.seed)
    return Trainer(job, ProcessGroup(), reporter or SilentReporter()).train()


def on_ranks(calls: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]], world: int = 2) -> list[list[Any]]:
    """Call the functions one after another in each of ``world`` new processes, announced as torchrun does.

    Each call may join its ranks once (gloo, on loopback). Functions are of a module, arguments are pickled;
    results are plain values and tensors. An exception ends all processes and is raised here.

    Returns:
        For each call the results by rank.
    """
    # The stores, where the ranks meet, live here: a port that the system has just chosen is never lost.
    stores = [
        dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # type: ignore[attr-defined]
        for _ in calls
    ]
    with TemporaryDirectory() as folder:
        ports = [store.port for store in stores]
        spawn(_as_rank, (world, ports, calls, folder), nprocs=world)
        by_rank = [torch.load(f"{folder}/{rank}.pt", weights_only=True) for rank in range(world)]
    return [list(results) for results in zip(*by_rank, strict=True)]


def _as_rank(
    rank: int,
    world: int,
    ports: Sequence[int],
    calls: Sequence[tuple[Callable[..., Any], tuple[Any, ...]]],
    folder: str,
) -> None:
    torch.set_num_threads(1)
    os.environ.update(
        RANK=str(rank),
        WORLD_SIZE=str(world),
        LOCAL_RANK=str(rank),
        LOCAL_WORLD_SIZE=str(world),
        MASTER_ADDR="127.0.0.1",
        TORCHELASTIC_USE_AGENT_STORE="True",  # the store is there already
        TORCHELASTIC_RESTART_COUNT="0",
        GLOO_SOCKET_IFNAME="lo",
        CUDA_VISIBLE_DEVICES="",
    )
    results = []
    for port, (function, arguments) in zip(ports, calls, strict=True):
        os.environ["MASTER_PORT"] = str(port)
        results.append(function(*arguments))
    torch.save(results, f"{folder}/{rank}.pt")


def write_snapshot_files(
    root: Path,
    train: Sequence[SmallSession],
    validation: Sequence[SmallSession],
    *,
    padded_lengths: Sequence[int] = (4, 8),
    row_group: int = 5,
) -> Manifest:
    """Write a snapshot without Spark, and its manifest."""

    def written(name: str, sessions: Sequence[SmallSession]) -> SnapshotSplit:
        return write_array_split(
            root,
            name,
            encoded_sessions(sessions),
            padded_lengths,
            days=("2026-01-05",),
            row_group_sessions=row_group,
        )

    manifest = Manifest(
        snapshot_id="plays-v3-test",
        root=str(root),
        table_version=3,
        features=FEATURES,
        numeric_mean=(0.1, -0.2),
        numeric_deviation=(1.5, 0.5),
        train=written("train", train),
        validation=written("validation", validation),
    )
    manifest.save()
    return manifest


def with_counts(manifest: Manifest, **changes: Any) -> Manifest:
    """Return (and save) the manifest with other counts of the train split: a tampered one."""
    tampered = dataclasses.replace(manifest, train=dataclasses.replace(manifest.train, **changes))
    tampered.save()
    return tampered


def encoded_sessions(sessions: Sequence[SmallSession]) -> EncodedSessions:
    """Return the sessions one after another."""
    return EncodedSessions(
        np.array([session.length for session in sessions]),
        np.concatenate([session.categorical_TF for session in sessions]),
        np.concatenate([session.numeric_TF for session in sessions]),
        np.concatenate([session.feedback_T for session in sessions]),
    )


def _padded(values: np.ndarray[Any, Any], steps: int) -> np.ndarray[Any, Any]:
    return np.pad(values, [(0, steps - len(values)), *[(0, 0)] * (values.ndim - 1)])


def play_rows(
    day: date, sessions: int, *, seed: int = 0, longest: int = 12, tag: str = ""
) -> list[dict[str, Any]]:
    """Return rows of ``plays`` (default profile) of one day: a long tail of session lengths, some NULLs."""
    random = np.random.default_rng([seed, day.toordinal()])
    rows = []
    for number in range(sessions):
        length = min(longest, 1 + int(random.geometric(0.25)))
        started = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(minutes=number % 600)
        user = f"u{number % 17}"
        for position in range(1, length + 1):
            genre = str(random.choice(["rock", "jazz", "folk"]))
            active = bool(random.random() < (0.5 if genre == "rock" else 0.1))
            rows.append(
                {
                    "event_id": f"{day}-{tag}{number}-{position}",
                    "user_id": user,
                    "song_id": f"s{random.integers(0, 40)}",
                    "played_at": started + timedelta(minutes=3 * position),
                    "played_ms": 180_000,
                    "feedback": "skip" if active else "auto_play",
                    "device": None if random.random() < 0.1 else "phone",
                    "play_source": "radio",
                    "artist": f"a{random.integers(0, 9)}",
                    "genre": genre,
                    "song_popularity": None if random.random() < 0.1 else float(random.random()),
                    "genre_affinity": float(random.normal()),
                    "hour_of_day": 8,
                    "day_of_week": day.isoweekday(),
                    "play_rank": position,
                    "gap_seconds": 0.0 if position == 1 else float(random.integers(0, 600)),
                    "session_id": f"{day}-{tag}{number}",
                    "session_started_at": started,
                    "position": position,
                    "is_active": active,
                    "label": 0 if active else 1,
                    "dt": day,
                }
            )
    return rows


@dataclass(frozen=True)
class EncodedPlays:
    """The arguments of ``predict_sessions``: plays, session by session in play order."""

    categorical: np.ndarray[Any, Any]
    numeric: np.ndarray[Any, Any]
    feedback: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any]

    def predict(self, pair: NetworkPair, batch_plays: int = 10_000) -> tuple[Any, Any]:
        """Return attention and propensity of every play by plain torch."""
        return predict_sessions(
            pair, self.categorical, self.numeric, self.feedback, self.lengths, batch_plays
        )


def encode_plays(config: Any, rows: Sequence[dict[str, Any]]) -> EncodedPlays:
    """Encode rows that stand session by session, without Spark."""

    def values(feature: Any) -> list[Any]:
        return [row[feature.column] for row in rows]

    categorical = [buckets_of(values(f), f.buckets) for f in config.features.categorical]
    numeric = [numbers_of(values(f), f.transform) for f in config.features.numeric]
    starts = [index for index, row in enumerate(rows) if row["position"] == 1]
    return EncodedPlays(
        np.stack(categorical, axis=1),
        np.stack(numeric, axis=1) if numeric else np.empty((len(rows), 0), np.float32),
        np.array([row["is_active"] for row in rows], np.float32),
        np.diff([*starts, len(rows)]),
    )


def plays_frame(spark: Any, config: Any, rows: Sequence[dict[str, Any]]) -> Any:
    """Return the rows as a frame of the ``plays`` contract."""
    from uae_model.lake import contract_for

    schema = contract_for("plays", config).schema
    return spark.createDataFrame([tuple(row[name] for name in schema.fieldNames()) for row in rows], schema)
