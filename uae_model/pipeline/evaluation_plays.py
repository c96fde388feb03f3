"""Plays and truth of some days as numbers in files, which base models are trained and judged on."""

from __future__ import annotations

from uae_model.config import Config
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.core.errors import ContractError
from uae_model.core.logs import log
from uae_model.evaluation.plays import (
    DESCRIPTION,
    EvaluationPlays,
    describe_files,
    description_of,
    read_evaluation_plays,
)
from uae_model.evaluation.rows import Splits, evaluation_rows
from uae_model.features.columns import plays_with_features
from uae_model.lake import TableStore
from uae_model.snapshot.layout import parquet_files
from uae_model.snapshot.own_folder import mark_used, own_folder
from uae_model.snapshot.splits import of_users, share_of_users


def evaluation_plays(store: TableStore, splits: Splits, max_plays: int | None = None) -> EvaluationPlays:
    """Write the plays of one version of the table where that has not been done, and read them.

    Args:
        store: with the plays of the days, and the simulation's truth where there is one.
        splits: the days of each split.
        max_plays: of about so many, at most; of more, users are drawn, each with all of its plays.
    """
    config = store.config
    version = store.latest_version("plays")
    truth_version = store.latest_version("truth") if store.exists("truth") else None
    versions = {"plays": version, "truth": truth_version}
    features_version = store.latest_version("features") if config.features.joined else None
    if features_version is not None:
        versions["features"] = features_version
    identity = _identity(config, splits, {**versions, **({"max_plays": max_plays} if max_plays else {})})
    root = f"{config.paths.snapshots.rstrip('/')}/evaluation-{identity}"
    if description_of(root) is None:
        days = [day for chosen in splits.values() for day in chosen]
        plays = plays_with_features(store, days, plays_version=version, features_version=features_version)
        if max_plays is not None:
            plays = of_users(plays, share_of_users(plays.count(), max_plays))
        truth = None if truth_version is None else store.read("truth", version=truth_version)
        rows = evaluation_rows(plays, truth, splits, config)
        if not config.features.numeric:
            rows = rows.drop("numeric")  # Petastorm cannot stack arrays of no elements
        with own_folder(root) as own:
            rows.write.option("compression", "zstd").parquet(f"{root}/{own}")
            _describe(root, own, plays.count(), config)
        log("evaluation plays written", path=root, plays_version=version, truth_version=truth_version)
    else:
        mark_used(f"{root}/{DESCRIPTION}")
    return read_evaluation_plays(root, identity)


def _describe(root: str, own: str, rows: int, config: Config) -> None:
    files = parquet_files(root, own)
    if not files:
        raise ContractError(f"evaluation plays at {root}: nothing was written")
    describe_files(root, rows, files, len(config.features.numeric))


def _identity(config: Config, splits: Splits, versions: dict[str, int | None]) -> str:
    content = {
        "features": config.features.to_plain(),
        "table": config.paths.tables,
        "versions": versions,
        "splits": {split: [day.isoformat() for day in days] for split, days in splits.items()},
    }
    return json_digest(content, NAME_DIGITS)
