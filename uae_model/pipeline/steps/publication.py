"""Validate a day's scores, copy them into weights and let readers see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pyspark.sql import Row

from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.lake import DayState, TableStore, Unit
from uae_model.pipeline.lineage import chain_digest
from uae_model.pipeline.step import Acceptance, Night, Step, built_before, require_accepted
from uae_model.pipeline.steps.judging import Judgement, judge, require_passed
from uae_model.pipeline.steps.published_rows import (
    accept_copy,
    copy_into_weights,
    damage_of_published,
    in_scores,
)
from uae_model.pipeline.steps.scores import damage_of_scores, models_of
from uae_model.publication.checks import publication_row
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
    store, day = night.store, unit.day
    store.states.written("scores")  # whoever has compacted the table meanwhile
    state = in_scores(night, _scored(night, day))
    models = models_of(state)
    if models is None:
        raise InputError(
            f"scores {day} do not say which models scored them; run uae score --date {day} first"
        )
    defect = damage_of_scores(night, day)
    if defect:
        raise InputError(f"scores {day}: {defect}; run uae publish --date {day} --rebuild")
    scores = store.read("scores", [day], version=store.states.seen("scores"))
    judgement = judge(night, state, models, scores)
    acceptance = _acceptance(night, unit, state)
    accepted = require_passed(night, judgement.checks, state, models, acceptance)
    version = copy_into_weights(night, state, scores, record)
    row, counts = publication_of(night, state, models, judgement, version, accepted, acceptance.reason)
    write_row(store, row, {**record, "inputs": PUBLICATION.inputs(night, unit), "counts": counts})


def publication_of(
    night: Night,
    state: DayState,
    models: tuple[int, int],
    judgement: Judgement,
    version: int,
    accepted: Sequence[str],
    reason: str | None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a day's row of ``publications``, and the counts that are remembered of it.

    Args:
        night: of the day.
        state: says how its rows were scored.
        models: that scored them: the attention and the propensity version.
        judgement: of the rows.
        version: of ``weights``, which the row pins.
        accepted: codes of failed checks that were overruled.
        reason: why they were.
    """
    row = publication_row(
        judgement.statistics,
        judgement.checks,
        {
            "delta_version": version,
            "quarantined_count": judgement.quarantined,
            "accepted_checks": list(accepted) or None,
            "accepted_reason": reason if accepted else None,
            **_told(night, state, models),
        },
    )
    told = ("delta_version", "row_count", "quarantined_count", "mean_passive_weight", "lineage")
    figures = judgement.figures.recorded()
    counts = {**{name: row[name] for name in told}, "models": models, "neighbour": figures}
    if accepted:
        counts["accepted_checks"] = list(accepted)
    return row, counts


def write_row(store: TableStore, row: Mapping[str, Any], record: dict[str, Any]) -> None:
    """Write a day's row of ``publications``, with what its commit records."""
    contract = store.contract("publications")
    frame = store.spark.createDataFrame([[row[name] for name in contract.columns]], contract.schema)
    store.replace_day("publications", row["dt"], frame, record, within={"table_name": "weights"})


def _told(night: Night, state: DayState, models: tuple[int, int]) -> dict[str, Any]:
    """Return what a publication tells of the plays, the models and the run."""
    config, day = night.config, state.unit.day
    plays = night.states.accepted("plays", day)
    low, high = state.counts.get("mean_interval") or (None, None)
    return {
        "status": PUBLISHED,
        "excluded_count": int(plays.counts.get("excluded", 0)) if plays else 0,
        "late_events_waiting": night.late.waiting,
        "attention_mean_low": low,
        "attention_mean_high": high,
        "attention_model_version": models[0],
        "propensity_model_version": models[1],
        "model_digest": state.counts.get("model_digest"),
        "run_id": config.run_id(day.isoformat()),
        "config": config.canonical_json(with_paths=False),
        "lineage": chain_digest(night, day),
        "dt": day,
    }


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


PUBLICATION = Step(
    table="publications",
    phase="publish",
    units=_units,
    reads=_reads,
    # Limits judge a day when it is published; a changed limit takes back none that passed the former one.
    settings=lambda config: str(config.publication.feature_health),
    requires=_requires,
    commit=_commit,
    check=accept_copy,
    damage=damage_of_published,
)
