"""Validate a day's weights and let readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from pyspark.sql import Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension
from uae_model.core.errors import InputError, PublicationRefusedError
from uae_model.ingest.feed import Feed
from uae_model.ingest.quarantine import occurrences, quarantine_day
from uae_model.lake import DayState, TableStore, Unit
from uae_model.pipeline.lineage import chain_digest
from uae_model.pipeline.step import Night, Step, built_before, require_accepted
from uae_model.pipeline.steps.feed import slot_unit
from uae_model.pipeline.steps.weights import models_of
from uae_model.publication.checks import Check, check_day, day_statistics, publication_row, unmatched_rows
from uae_model.readers.days import PUBLISHED
from uae_model.readers.spark import weight_publications


def published_row(store: TableStore, day: date) -> Row:
    """Return the day's row of ``publications``."""
    row = weight_publications(store.read_or_empty("publications", [day]), status=None).first()
    if row is None:
        raise InputError(f"{day} is not published; run uae publish --date {day} first")
    return row


def _units(night: Night) -> list[Unit]:
    """Return the days asked for, then those before that were published: tonight's day comes first."""
    units = built_before("publications")(night)
    return sorted(units, key=lambda unit: unit.day < night.first)


def _reads(day: date, config: Config) -> list[Unit]:
    health = [Unit("feature_health", day)] if config.publication.feature_health else []
    return [Unit("weights", day), *health]


def _requires(night: Night, unit: Unit) -> None:
    require_accepted(night, "weights", unit.day, f"uae score --date {unit.day}")


def _commit(night: Night, unit: Unit, record: dict[str, Any]) -> None:
    """Check a day of weights and write its row of ``publications``, which pins the version that was checked.

    The checks come before the write: where one fails nothing is written, so readers keep the day's previous
    publication.

    Raises:
        InputError: if the weights do not name their models.
        PublicationRefusedError: listing the checks that failed.
    """
    config, store, day = night.config, night.store, unit.day
    state = require_accepted(night, "weights", day, f"uae score --date {day}")
    models = models_of(state)
    if models is None:
        raise InputError(
            f"weights {day} do not say which models scored them; run uae score --date {day} first"
        )
    weights = store.read("weights", [day], version=state.version)
    statistics = day_statistics(weights)
    quarantined = quarantined_plays(store, day)
    checks = check_day(
        statistics,
        unmatched_rows(store.read("plays", [day]), weights),
        quarantined,
        _previous_mean(night, day, models),
        config,
        psi_by_feature=_psi_by_feature(store, day),
        quarantined_statements={
            dimension.table: quarantined_statements(store, dimension, day) for dimension in config.dimensions
        },
    )
    _require_passed(checks, day, state)
    plays = store.states.accepted("plays", day)
    low, high = state.counts.get("mean_interval") or (None, None)
    row = publication_row(
        statistics,
        checks,
        {
            "delta_version": state.version,
            "status": PUBLISHED,
            "excluded_count": int(plays.counts.get("excluded", 0)) if plays else 0,
            "quarantined_count": quarantined,
            "attention_mean_low": low,
            "attention_mean_high": high,
            "attention_model_version": models[0],
            "propensity_model_version": models[1],
            "model_digest": state.counts.get("model_digest"),
            "run_id": config.run_id(day.isoformat()),
            "config": config.canonical_json(with_paths=False),
            "lineage": chain_digest(night, day),
            "dt": day,
        },
    )
    told = ("delta_version", "row_count", "quarantined_count", "mean_passive_weight", "lineage")
    counts = {**{name: row[name] for name in told}, "models": models}
    contract = store.contract("publications")
    frame = store.spark.createDataFrame([[row[name] for name in contract.columns]], contract.schema)
    within = {"table_name": "weights"}
    store.replace_day("publications", day, frame, {**record, "counts": counts}, within=within)


def _require_passed(checks: Sequence[Check], day: date, weights: DayState) -> None:
    failed = [str(check) for check in checks if not check.passed]
    if failed:
        raise PublicationRefusedError(
            f"table weights, dt={day}, version {weights.version} was not published: {'; '.join(failed)}; "
            "readers keep the previous publication"
        )


def quarantined_plays(store: TableStore, day: date) -> int:
    """Return the quarantined rows of the day's feed of plays; those of dimensions are no plays."""
    rows = store.read_or_empty("quarantine", [day])
    for dimension in store.config.dimensions:
        rows = rows.where(~F.col("slot").startswith(f"{dimension.table}/"))
    return occurrences(rows)


def quarantined_statements(store: TableStore, dimension: Dimension, day: date) -> tuple[int, int]:
    """Return the rows in quarantine, and the rows read, of a dimension's slots of a day.

    A static feed counts for every day. Slots that were never ingested count as not delivered.
    """
    slots = Feed(store.spark, store.config, dimension).slots(day)
    states = [store.states.get(slot_unit(slot)) for slot in slots]
    read = sum(int(state.counts.get("read", 0)) for state in states if state is not None)
    if not read:
        return 0, 0
    rows = store.read_or_empty("quarantine", [quarantine_day(slots[0])])
    return occurrences(rows.where(F.col("slot").isin([slot.name for slot in slots]))), read


def _psi_by_feature(store: TableStore, day: date) -> dict[str, float]:
    """Return the PSI of each feature of the day that has one."""
    if store.config.publication.max_psi is None:
        return {}
    rows = store.read_or_empty("feature_health", [day]).where("stability_index IS NOT NULL")
    return {row["feature"]: row["stability_index"] for row in rows.collect()}


def _previous_mean(night: Night, day: date, models: tuple[int, ...]) -> float | None:
    """Return the mean passive weight of the last earlier day published with the same models."""
    for state in reversed(night.states.of_table("publications")):
        if state.unit.day >= day or not state.is_accepted or state.counts.get("models") != list(models):
            continue
        if "mean_passive_weight" in state.counts:
            mean: float | None = state.counts["mean_passive_weight"]
            return mean
        old_mean: float | None = published_row(night.store, state.unit.day)["mean_passive_weight"]
        return old_mean
    return None


PUBLICATION = Step(
    table="publications",
    phase="publish",
    units=_units,
    reads=_reads,
    # Limits judge a day when it is published; a changed limit takes back none that passed the former one.
    settings=lambda config: str(config.publication.feature_health),
    requires=_requires,
    commit=_commit,
)
