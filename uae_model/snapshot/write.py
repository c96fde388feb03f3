"""Training snapshots with Spark: one Delta version of ``plays``, in the layout of ``snapshot.layout``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.core.errors import ContractError, InputError
from uae_model.core.logs import log
from uae_model.features.columns import categorical_buckets, numeric_values, plays_with_features
from uae_model.features.drift import decile_boundaries, references
from uae_model.lake import TableStore
from uae_model.snapshot.layout import (
    CATEGORICAL,
    FEEDBACK,
    LENGTH,
    NUMERIC,
    PADDED_LENGTH,
    SESSION_ID,
    SPARK_ELEMENT_TYPES,
    list_files,
    step_widths,
)
from uae_model.snapshot.manifest import MANIFEST, Manifest, SnapshotSplit, load_manifest
from uae_model.snapshot.own_folder import mark_used, own_folder, remove_folder
from uae_model.snapshot.padding import choose_padded_lengths
from uae_model.snapshot.splits import of_users, sessions_of, share_of_users

SESSIONS_PER_FILE = 200_000
ROW_GROUPS_PER_RANK = 4

UNIFORM_MEAN, UNIFORM_DEVIATION = 0.5, 1 / math.sqrt(12)
"""Mean and standard deviation of numbers that are spread evenly over 0 to 1, as quantiles are."""


def sessions_as_rows(plays: DataFrame, config: Config) -> DataFrame:
    """Return one row per session: ``session_id``, ``length`` and the steps in play order, flattened.

    ``categorical`` is ``array<int>`` of length x features, ``numeric`` ``array<float>`` likewise, and
    ``feedback`` ``array<float>`` holds e (1 = active).
    """
    step = F.struct(
        "position",
        categorical_buckets(config).alias(CATEGORICAL),
        numeric_values(config).alias(NUMERIC),
        F.col("is_active").cast(SPARK_ELEMENT_TYPES[FEEDBACK]).alias(FEEDBACK),
    )
    steps = plays.groupBy(SESSION_ID).agg(F.sort_array(F.collect_list(step)).alias("steps"))
    return steps.select(
        SESSION_ID,
        F.size("steps").alias(LENGTH),
        F.flatten(f"steps.{CATEGORICAL}").alias(CATEGORICAL),
        F.flatten(f"steps.{NUMERIC}").alias(NUMERIC),
        F.col(f"steps.{FEEDBACK}").alias(FEEDBACK),
    )


def pad(sessions: DataFrame, padded_lengths: Sequence[int], config: Config) -> DataFrame:
    """Add ``padded_length`` and fill the arrays with zeros up to it."""
    longer = [F.when(F.col(LENGTH) <= bound, bound) for bound in padded_lengths]
    padded = sessions.withColumn(PADDED_LENGTH, F.coalesce(*longer))
    missing = F.col(PADDED_LENGTH) - F.col(LENGTH)
    widths = step_widths(config.features)
    for name, width in widths.items():
        zero = F.lit(0).cast(SPARK_ELEMENT_TYPES[name])
        padded = padded.withColumn(name, F.concat(name, F.array_repeat(zero, (missing * width).cast("int"))))
    return padded if NUMERIC in widths else padded.drop(NUMERIC)


def write_snapshot(
    store: TableStore, train_days: Sequence[date], validation_days: Sequence[date]
) -> Manifest:
    """Write the snapshot of these days of ``plays`` at its newest version, or return it where it exists.

    The files lie in a folder of this run alone, below the snapshot; the manifest, which names them, is put
    in its place last. Of two runs that write the same snapshot, the later one takes the earlier one's.

    Raises:
        InputError: if a split has no sessions, or fewer than there are training processes.
        ContractError: if rows were lost between the table and the files.
    """
    config = store.config
    version = store.latest_version("plays")
    features_version = store.latest_version("features") if config.features.joined else None
    snapshot_id = _snapshot_id(config, (version, features_version), train_days, validation_days)
    root = f"{config.paths.snapshots.rstrip('/')}/{snapshot_id}"
    existing = load_manifest(root)
    if existing is not None:
        log("snapshot exists", snapshot=snapshot_id, path=root)
        mark_used(f"{root}/{MANIFEST}")
        return existing
    if config.snapshot.split == "sessions":
        train_days = validation_days = [*train_days, *validation_days]
    train, validation = (
        plays_with_features(store, days, plays_version=version, features_version=features_version)
        for days in (train_days, validation_days)
    )
    share = share_of_users(
        store.read("plays", train_days, version=version).count(), config.snapshot.max_plays
    )
    train = sessions_of("train", of_users(train, share), config)
    validation = sessions_of("validation", of_users(validation, share), config)
    mean, deviation = numeric_statistics(train, config)
    with own_folder(root) as own:
        manifest = Manifest(
            snapshot_id=snapshot_id,
            root=root,
            table_version=version,
            features=config.features,
            numeric_mean=tuple(mean),
            numeric_deviation=tuple(deviation),
            train=_write_split("train", train, train_days, (root, own), config),
            validation=_write_split("validation", validation, validation_days, (root, own), config),
            features_version=features_version,
            numeric_boundaries=quantile_boundaries(train, config),
            references=references(train, config) if config.publication.feature_health else (),
        )
        existing = load_manifest(root)
        if existing is None:
            manifest.save()
    if existing is not None:
        remove_folder(f"{root}/{own}")
        log("another run wrote the snapshot meanwhile", snapshot=snapshot_id, path=root)
        return existing
    log(
        "snapshot written",
        snapshot=snapshot_id,
        path=root,
        table_version=version,
        sessions=manifest.train.sessions,
        plays=manifest.train.plays,
        fill=round(manifest.train.fill, 3),
        share_of_users=round(share, 6),
    )
    return manifest


def numeric_statistics(plays: DataFrame, config: Config) -> tuple[list[float], list[float]]:
    """Return mean and standard deviation of each transformed numeric feature over the plays.

    A feature that is constant or always missing gets deviation 1, so that standardising is harmless.
    """
    width = len(config.features.numeric)
    if width == 0:
        return [], []
    values = plays.select(numeric_values(config).alias("values"))
    columns = []
    for index in range(width):
        value = F.nanvl(F.col("values")[index], F.lit(None).cast("float")).cast("double")
        columns += [F.avg(value).alias(f"mean{index}"), F.stddev_pop(value).alias(f"deviation{index}")]
    row = values.agg(*columns).collect()[0]
    mean = [float(row[f"mean{index}"] or 0.0) for index in range(width)]
    deviation = [float(row[f"deviation{index}"] or 1.0) for index in range(width)]
    for index, feature in enumerate(config.features.numeric):
        if feature.transform == "quantile":
            mean[index], deviation[index] = UNIFORM_MEAN, UNIFORM_DEVIATION
    return mean, deviation


def quantile_boundaries(plays: DataFrame, config: Config) -> tuple[tuple[float, ...], ...]:
    """Return, for each numeric feature, the deciles that the transform quantile cuts at; () for the others.

    Nothing at all where no feature has this transform.
    """
    numeric = config.features.numeric
    if all(feature.transform != "quantile" for feature in numeric):
        return ()
    deciles = decile_boundaries(plays, config)
    return tuple(deciles[f.name] if f.transform == "quantile" else () for f in numeric)


def _write_split(
    name: str, plays: DataFrame, days: Sequence[date], place: tuple[str, str], config: Config
) -> SnapshotSplit:
    """Write a split below the snapshot and the run's own folder in it, which ``place`` names."""
    root, below = place[0], f"{place[1]}/{name}"
    sessions = sessions_as_rows(plays, config).persist()
    histogram = {row[LENGTH]: row["count"] for row in sessions.groupBy(LENGTH).count().collect()}
    session_count = sum(histogram.values())
    play_count = sum(length * count for length, count in histogram.items())
    processes = config.training.processes
    listed = ", ".join(day.isoformat() for day in days)
    if session_count < processes:
        raise InputError(
            f"{name} days {listed}: {session_count} sessions in plays, fewer than training.processes = "
            f"{processes}; choose other days or fewer processes"
        )
    lengths = choose_padded_lengths(histogram, config.snapshot.min_fill)
    rows_per_group = max(
        1, min(config.snapshot.row_group_sessions, session_count // (processes * ROW_GROUPS_PER_RANK))
    )
    files = max(1, session_count // SESSIONS_PER_FILE)
    (
        pad(sessions, lengths, config)
        .withColumn("_order", F.xxhash64(SESSION_ID, F.lit(config.training.seed)))
        .repartition(files, "_order")
        .sortWithinPartitions(PADDED_LENGTH, "_order")
        .drop("_order")
        .write.partitionBy(PADDED_LENGTH)
        .option("compression", "zstd")
        .options(**_row_groups_of(rows_per_group))
        .parquet(f"{root}/{below}")
    )
    active = sessions.agg(F.sum(F.aggregate(FEEDBACK, F.lit(0.0), lambda a, b: a + b))).collect()[0][0]
    sessions.unpersist()
    split = SnapshotSplit(
        name=name,
        days=tuple(day.isoformat() for day in days),
        sessions=session_count,
        plays=play_count,
        active_plays=int(active),
        files=list_files(root, below),
    )
    written = sum(sum(file.row_groups) for file in split.files)
    if written != session_count:
        raise ContractError(f"snapshot {root}, {name}: {written} sessions written, {session_count} expected")
    return split


def _row_groups_of(rows: int) -> dict[str, str]:
    """Return the write options by which each row group has that many rows.

    Spark's Parquet 1.15 has no limit in rows: it compares the size with ``parquet.block.size``, which
    any row exceeds, only each time that the number of rows given here has been written.
    """
    check = {f"parquet.page.size.row.check.{bound}": str(rows) for bound in ("min", "max")}
    return {"parquet.block.size": "1", **check}


def _snapshot_id(
    config: Config,
    versions: tuple[int, int | None],
    train_days: Sequence[date],
    validation_days: Sequence[date],
) -> str:
    content = {
        "features": config.features.to_plain(),
        "snapshot": config.snapshot.model_dump(mode="json"),
        "references": config.publication.feature_health,
        "seed": config.training.seed,
        "processes": config.training.processes,
        "table": config.paths.tables,
        "version": versions,
        "train": [day.isoformat() for day in train_days],
        "validation": [day.isoformat() for day in validation_days],
    }
    return f"plays-v{versions[0]}-{json_digest(content, NAME_DIGITS)}"
