"""Validate a day's scores, copy them into weights and let readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension
from uae_model.core.errors import InputError, PublicationRefusedError, UsageError
from uae_model.ingest.feed import Feed
from uae_model.ingest.quarantine import occurrences, quarantine_day
from uae_model.lake import DayState, TableStore, Unit
from uae_model.pipeline.lineage import chain_digest
from uae_model.pipeline.step import Acceptance, Night, Outcome, Step, built_before, require_accepted
from uae_model.pipeline.steps.feed import slot_unit
from uae_model.pipeline.steps.scores import damage_of_scores, models_of
from uae_model.publication.checks import Check, check_day, day_statistics, publication_row, unmatched_rows
from uae_model.publication.model_checks import ScoringModel, check_model
from uae_model.publication.neighbours import DayFigures, check_against_neighbours, neighbours_of
from uae_model.readers.days import PUBLISHED
from uae_model.readers.spark import weight_publications
from uae_model.readers.spark_storage import damage_of


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
    return [Unit("scores", day), *health]


def _requires(night: Night, unit: Unit) -> None:
    _scored(night, unit.day)


def _scored(night: Night, day: date) -> DayState:
    return require_accepted(night, "scores", day, f"uae score --date {day}")


def _commit(night: Night, unit: Unit, record: dict[str, Any]) -> None:
    """Check a day of scores, copy it into ``weights``, and write its row of ``publications``.

    The row pins the version of ``weights`` that the copy made. The checks come before the copy: where one
    fails that nobody overrules, only the refusal is written, so readers keep the day's previous publication.

    Raises:
        InputError: if the scores do not name their models, or are damaged.
        PublicationRefusedError: listing the checks that failed.
        UsageError: if a check is to be overruled that the day does not have.
    """
    config, store, day = night.config, night.store, unit.day
    store.states.written("scores")  # whoever has compacted the table meanwhile
    state = _in_scores(night, _scored(night, day))
    models = models_of(state)
    if models is None:
        raise InputError(
            f"scores {day} do not say which models scored them; run uae score --date {day} first"
        )
    defect = damage_of_scores(night, day)
    if defect:
        raise InputError(f"scores {day}: {defect}; run uae publish --date {day} --rebuild")
    scores = store.read("scores", [day], version=store.states.seen("scores"))
    statistics = day_statistics(scores)
    quarantined, health = quarantined_plays(store, day), _health(store, day)
    figures = DayFigures.of(
        day,
        models,
        statistics,
        missing={row["feature"]: row["missing_share"] for row in health},
        unseen=_known(health, "unseen_share"),
    )
    checks = [
        *check_day(
            statistics,
            unmatched_rows(store.read("plays", [day]), scores),
            quarantined,
            config,
            psi_by_feature=_known(health, "stability_index"),
            quarantined_statements={
                dimension.table: quarantined_statements(store, dimension, day)
                for dimension in config.dimensions
            },
        ),
        *check_against_neighbours(
            figures, neighbours_of(day, _published(night), config.publication), config.publication
        ),
        *check_model(ScoringModel.of_counts(state.counts), day, config),
    ]
    acceptance = _acceptance(night, unit, state)
    accepted = _judge(night, checks, state, models, acceptance)
    version = _copied(night, state, scores, record)
    plays = store.states.accepted("plays", day)
    low, high = state.counts.get("mean_interval") or (None, None)
    row = publication_row(
        statistics,
        checks,
        {
            "delta_version": version,
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
            "accepted_checks": accepted or None,
            "accepted_reason": acceptance.reason if accepted else None,
            "dt": day,
        },
    )
    told = ("delta_version", "row_count", "quarantined_count", "mean_passive_weight", "lineage")
    counts = {**{name: row[name] for name in told}, "models": models, "neighbour": figures.recorded()}
    if accepted:
        counts["accepted_checks"] = accepted
    contract = store.contract("publications")
    frame = store.spark.createDataFrame([[row[name] for name in contract.columns]], contract.schema)
    within = {"table_name": "weights"}
    told_from = {**record, "inputs": PUBLICATION.inputs(night, unit), "counts": counts}
    store.replace_day("publications", day, frame, told_from, within=within)


def _in_scores(night: Night, state: DayState) -> DayState:
    """Return the state of a scored day; one from before there was table ``scores`` is copied into it."""
    if state.unit.table == "scores":
        return state
    store, unit = night.store, Unit("scores", state.unit.day)
    rows = store.read(state.table, [unit.day], version=store.states.seen(state.table))
    made_of = {} if state.inputs is None else {"unit": _named(unit), "inputs": state.inputs}
    known = {"step": "score", "settings": state.settings, "run": state.run_id, "counts": state.counts}
    store.replace_day(unit.table, unit.day, rows, {**made_of, **known})
    return store.states.accept(unit, {})


def _copied(night: Night, state: DayState, scores: DataFrame, record: dict[str, Any]) -> int:
    """Copy rows that have passed into ``weights``, in one commit; return its version.

    A copy of the same rows is kept that a run made which ended before its row of ``publications``.
    """
    store, unit = night.store, Unit("weights", state.unit.day)
    inputs = {str(state.unit): state.version}
    before = store.states.get(unit)
    if before is not None and not before.is_accepted and before.inputs == inputs:
        rows = {unit.day: state.counts["rows"]}
        if not damage_of(store.spark, store.path(unit.table), {unit.day: before.version}, rows):
            return before.version
    metadata = {**record, "unit": _named(unit), "inputs": inputs, "counts": state.counts}
    store.replace_day(unit.table, unit.day, scores, metadata)
    version = store.states.version(unit.table, unit.day)
    assert version is not None  # it was written
    return version


def _named(unit: Unit) -> list[str]:
    """Return a unit as commits name it."""
    return [unit.table, unit.day.isoformat(), unit.part]


def _accept_copy(night: Night, unit: Unit) -> Outcome:
    """Accept the day of ``weights`` that a publication pins; its rows were judged before they were copied."""
    weights = night.states.get(Unit("weights", unit.day))
    if weights is not None and str(Unit("scores", unit.day)) in (weights.inputs or {}):
        night.states.accept(weights.unit, {})
    return Outcome()


def _damage(night: Night, unit: Unit) -> str | None:
    """Return what is wrong with the rows that readers of a published day are led to."""
    store, day = night.store, unit.day
    changed = night.states.foreign_change(Unit("weights", day))
    if changed:
        return f"weights {day} {changed}; it is published again"
    published = night.states.get(unit)
    if published is None or "delta_version" not in published.counts:
        return None
    pinned, rows = ({day: published.counts[name]} for name in ("delta_version", "row_count"))
    problems = damage_of(store.spark, store.path("weights"), pinned, rows)
    return f"what is published of it is damaged: {problems[day]}" if problems else None


def _acceptance(night: Night, unit: Unit, scores: DayState) -> Acceptance:
    """Return the checks that are overruled: those that a person names now, or did for these very rows."""
    published = night.states.get(unit)
    if night.acceptance.codes or published is None or not published.counts.get("accepted_checks"):
        return night.acceptance
    if (published.inputs or {}).get(str(scores.unit)) != scores.version:
        return night.acceptance
    return carried_acceptance(published_row(night.store, unit.day))


def carried_acceptance(published: Row) -> Acceptance:
    """Return the checks that a person overruled when a day was published."""
    return Acceptance(
        tuple(published["accepted_checks"] or ()), published["accepted_reason"], is_carried=True
    )


def _judge(
    night: Night,
    checks: Sequence[Check],
    scores: DayState,
    models: tuple[int, int],
    acceptance: Acceptance,
) -> list[str]:
    """Return the codes of the failed checks, all of which a person overrules; otherwise record and raise."""
    known = sorted({check.code for check in checks if check.code})
    unknown = [code for code in acceptance.codes if code not in known]
    if unknown and not acceptance.is_carried:
        raise UsageError(
            f"--accept {unknown[0]}: no check of this day that may be overruled; those are {', '.join(known)}"
        )
    day, failed = scores.unit.day, [check for check in checks if not check.passed]
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


PUBLICATION = Step(
    table="publications",
    phase="publish",
    units=_units,
    reads=_reads,
    # Limits judge a day when it is published; a changed limit takes back none that passed the former one.
    settings=lambda config: str(config.publication.feature_health),
    requires=_requires,
    commit=_commit,
    check=_accept_copy,
    damage=_damage,
)
