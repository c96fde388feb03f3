"""Step 5: validate a day's weights and let readers see them."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.core.errors import InputError, PublicationRefusedError
from uae_model.core.logs import log
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore
from uae_model.pipeline.ingest import STATIC_QUARANTINE_DAY, occurrences
from uae_model.pipeline.sessions import account
from uae_model.publication.checks import check_day, day_statistics, publication_row, unmatched_rows
from uae_model.readers.days import PUBLISHED
from uae_model.readers.spark import weight_publications


def is_published(store: TableStore, day: date) -> bool:
    """Tell whether the day's newest weights are the ones that its publication pins."""
    weights, publication = store.last_commit("weights", day), store.last_commit("publications", day)
    return (
        weights is not None
        and publication is not None
        and publication.metadata["weights_version"] == weights.version
    )


def needs_publication(store: TableStore, day: date) -> bool:
    """Tell whether a day that was published before has newer weights."""
    return store.last_commit("publications", day) is not None and not is_published(store, day)


def published_row(store: TableStore, day: date) -> Row:
    """Return the day's row of ``publications``."""
    row = weight_publications(store.read("publications", [day]), status=None).first()
    if row is None:
        raise InputError(f"{day} is not published; run uae publish --date {day} first")
    return row


def publish_day(store: TableStore, day: date) -> Row:
    """Check a day of ``weights`` and write its row of ``publications``; return that row.

    The row pins the Delta version that was checked. Where a check fails nothing is written, so readers
    keep the day's previous publication. A day whose newest weights are published already is left alone.

    Raises:
        InputError: if the day was not scored.
        PublicationRefusedError: listing the checks that failed.
    """
    config = store.config
    commit = store.last_commit("weights", day)
    if commit is None:
        raise InputError(f"{day} has no weights; run uae score --date {day} first")
    if is_published(store, day):
        log("day is published already", dt=day)
        return published_row(store, day)
    models = (commit.metadata["attention_version"], commit.metadata["propensity_version"])
    accounted = account(store, day)
    weights = store.read("weights", [day], version=commit.version)
    statistics = day_statistics(weights)
    quarantined = _quarantined(store, day)
    checks = check_day(
        statistics,
        unmatched_rows(store.read("plays", [day]), weights),
        quarantined,
        _previous_mean(store, day, models),
        config,
        psi_by_feature=_psi_by_feature(store, day),
        quarantined_statements={
            each.table: quarantined_statements(store, each, day) for each in config.dimensions
        },
    )
    failed = [str(check) for check in checks if not check.passed]
    if failed:
        raise PublicationRefusedError(
            f"table weights, dt={day}, version {commit.version} was not published: {'; '.join(failed)}; "
            "readers keep the previous publication"
        )
    row = publication_row(
        statistics,
        checks,
        {
            "delta_version": commit.version,
            "status": PUBLISHED,
            "excluded_count": accounted.excluded,
            "quarantined_count": quarantined,
            "attention_model_version": models[0],
            "propensity_model_version": models[1],
            "run_id": config.run_id(day.isoformat()),
            "config": config.canonical_json(with_paths=False),
            "dt": day,
        },
    )
    _write_publication(store, day, row, {"weights_version": commit.version, "models": models})
    log("day published", dt=day, delta_version=commit.version, rows=statistics.rows)
    return published_row(store, day)


def _write_publication(store: TableStore, day: date, row: dict[str, Any], metadata: dict[str, Any]) -> None:
    """Let readers see the day: replace its row of ``publications``."""
    contract = store.contract("publications")
    frame = store.spark.createDataFrame([[row[name] for name in contract.columns]], contract.schema)
    within = {"table_name": "weights"}
    store.replace_day("publications", day, frame, {"step": "publish", **metadata}, within=within)


def _quarantined(store: TableStore, day: date) -> int:
    """Return the quarantined rows of the day's feed of plays; those of dimensions are no plays."""
    rows = store.read_or_empty("quarantine", [day])
    for dimension in store.config.dimensions:
        rows = rows.where(~F.col("slot").startswith(f"{dimension.table}/"))
    return occurrences(rows)


def quarantined_statements(store: TableStore, dimension: Dimension, day: date) -> tuple[int, int]:
    """Return the rows in quarantine, and the rows read, of a dimension's slots of a day.

    A static feed counts for every day. Slots that no commit within ``tuning.history_commits`` names count
    as not delivered.
    """
    slots = Feed(store.spark, store.config, dimension).slots(day)
    oldest_first = reversed(store.commits(dimension.table))
    rows_read = {each.metadata.get("slot"): each.metadata.get("rows_read", 0) for each in oldest_first}
    read = sum(rows_read.get(slot.name, 0) for slot in slots)
    if not read:
        return 0, 0
    rows = store.read_or_empty("quarantine", [slots[0].day or STATIC_QUARANTINE_DAY])
    return occurrences(rows.where(F.col("slot").isin([slot.name for slot in slots]))), read


def _psi_by_feature(store: TableStore, day: date) -> dict[str, float]:
    """Return the PSI of each feature of the day that has one."""
    if store.config.publication.max_psi is None:
        return {}
    rows = store.read_or_empty("feature_health", [day]).where("stability_index IS NOT NULL")
    return {row["feature"]: row["stability_index"] for row in rows.collect()}


def _previous_mean(store: TableStore, day: date, models: tuple[int, int]) -> float | None:
    """Return the mean passive weight of the last earlier day published with the same models.

    The commits tell which days these are, so a night reads one partition however many are published.
    """
    newest: dict[str, dict[str, Any]] = {}
    for commit in store.commits("publications"):
        newest.setdefault(commit.metadata.get("dt", ""), commit.metadata)
    same = {date.fromisoformat(dt) for dt, found in newest.items() if found.get("models") == list(models)}
    for earlier in sorted((each for each in same if each < day), reverse=True):
        row = published_row(store, earlier)
        if row["status"] == PUBLISHED:
            mean: float | None = row["mean_passive_weight"]
            return mean
    return None
