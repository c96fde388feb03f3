"""What a publication is judged by, who may overrule it, and the record of refusals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.core.errors import PublicationRefusedError, UsageError
from uae_model.ingest.feed import Feed
from uae_model.ingest.quarantine import occurrences, quarantine_day
from uae_model.lake import DayState, TableStore
from uae_model.pipeline.step import Acceptance, Night
from uae_model.pipeline.steps.feed import slot_unit
from uae_model.pipeline.unit_metrics import tell_checks
from uae_model.publication.checks import Check, DayStatistics, check_day, day_statistics, unmatched_rows
from uae_model.publication.model_checks import ScoringModel, check_model
from uae_model.publication.neighbours import DayFigures, check_against_neighbours, neighbours_of


@dataclass(frozen=True)
class Judgement:
    """What a day's scores look like, and the checks that they passed or failed.

    Attributes:
        statistics: of the scores, as ``publication.checks.day_statistics`` counts them.
        figures: what later days are compared with.
        checks: all of them.
        quarantined: rows of the day's feed of plays in quarantine.
    """

    statistics: DayStatistics
    figures: DayFigures
    checks: list[Check]
    quarantined: int


def judge(night: Night, state: DayState, models: tuple[int, int], scores: DataFrame) -> Judgement:
    """Judge a day's scores.

    Args:
        night: the tables and the settings.
        state: of the scores.
        models: the versions of attention and propensity that scored them.
        scores: the rows.
    """
    config, store, day = night.config, night.store, state.unit.day
    statistics = day_statistics(scores)
    quarantined, health = quarantined_plays(store, day), _health(store, day)
    figures = DayFigures.of(
        day,
        models,
        statistics,
        missing={row["feature"]: row["missing_share"] for row in health},
        unseen=_known(health, "unseen_share"),
    )
    of_statements = {
        dimension.table: quarantined_statements(store, dimension, day) for dimension in config.dimensions
    }
    neighbours = neighbours_of(day, _published(night), config.publication)
    checks = [
        *check_day(
            statistics,
            unmatched_rows(store.read("plays", [day]), scores),
            quarantined,
            config,
            psi_by_feature=_known(health, "stability_index"),
            quarantined_statements=of_statements,
        ),
        *check_against_neighbours(figures, neighbours, config.publication),
        *check_model(ScoringModel.of_counts(state.counts), day, config),
    ]
    return Judgement(statistics, figures, checks, quarantined)


def require_passed(
    night: Night,
    checks: Sequence[Check],
    scores: DayState,
    models: tuple[int, int],
    acceptance: Acceptance,
) -> list[str]:
    """Return the codes of the failed checks, all of which a person overrules.

    Raises:
        PublicationRefusedError: listing the others, once they are recorded.
        UsageError: if a check is to be overruled that the day does not have.
    """
    known = sorted({check.code for check in checks if check.code})
    unknown = [code for code in acceptance.codes if code not in known]
    if unknown and not acceptance.is_carried:
        raise UsageError(
            f"--accept {unknown[0]}: no check of this day that may be overruled; those are {', '.join(known)}"
        )
    day, failed = scores.unit.day, [check for check in checks if not check.passed]
    tell_checks(day, checks)
    refused = [check for check in failed if check.code not in acceptance.codes]
    if not refused:
        return sorted({check.code for check in failed})
    _record_refusal(night, refused, scores, models)
    codes = sorted({check.code for check in failed if check.code})
    remedy = (
        f"; uae publish --date {day} {' '.join(f'--accept {code}' for code in codes)} --reason TEXT overrules"
    )
    raise PublicationRefusedError(
        f"table scores, dt={day}, version {scores.version} was not published: "
        f"{'; '.join(map(str, refused))}; readers keep the previous publication"
        + (remedy if all(check.code for check in refused) else "")
    )


def _record_refusal(
    night: Night, refused: Sequence[Check], scores: DayState, models: tuple[int, int]
) -> None:
    """Write why a day was refused, in place of what was written when it was refused before."""
    store, day = night.store, scores.unit.day
    contract = store.contract("refusals")
    common = {
        "table_name": "scores",
        "delta_version": scores.version,
        "attention_model_version": models[0],
        "propensity_model_version": models[1],
        "run_id": night.config.run_id(day.isoformat()),
        "refused_at": datetime.now(UTC),
        "dt": day,
    }
    rows = [
        {
            **common,
            "code": check.code,
            "check_name": check.name,
            "detail": check.detail,
            "value": None if check.value is None else float(check.value),
            "threshold": None if check.threshold is None else float(check.threshold),
        }
        for check in refused
    ]
    frame = store.spark.createDataFrame(
        [[row[name] for name in contract.columns] for row in rows], contract.schema
    )
    store.replace_day("refusals", day, frame, {"step": "publish"})


def _published(night: Night) -> list[DayFigures]:
    """Return the figures of all published days that recorded them, from the memory."""
    states = [state for state in night.states.of_table("publications") if state.is_accepted]
    figures = [DayFigures.of_counts(state.unit.day, state.counts) for state in states]
    return [known for known in figures if known is not None]


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


def _health(store: TableStore, day: date) -> list[Row]:
    """Return the rows of ``feature_health`` of a day, none where it is off."""
    if not store.config.publication.feature_health:
        return []
    return store.read_or_empty("feature_health", [day]).collect()


def _known(health: Sequence[Row], column: str) -> dict[str, float]:
    """Return a figure of each feature that has it."""
    return {row["feature"]: row[column] for row in health if row[column] is not None}
