"""Published days whose rows of ``weights`` were changed or taken out on purpose: they pin the new version.

Table ``weights`` holds what was published and nothing else, so the rows of a day that are there are the ones
to publish again, whatever was scored since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date

from pyspark.sql import Row
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.errors import ContractError
from uae_model.core.logs import log, log_context, warn
from uae_model.lake import DayState, TableStore, Unit
from uae_model.lake.rewrites import is_rewrite, rewrite
from uae_model.lake.store import read_table
from uae_model.pipeline.lineage import chain_digest
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps.judging import judge
from uae_model.pipeline.steps.publication import PUBLICATION, publication_of, write_row
from uae_model.pipeline.steps.scores import models_of
from uae_model.readers.spark import weight_publications

REASON = "users were forgotten (uae forget)"


@dataclass
class Republished:
    """Days that were published again, those that hold nobody any more, and what had to be overruled."""

    days: list[date] = field(default_factory=list)
    withdrawn: list[date] = field(default_factory=list)
    accepted: dict[date, list[str]] = field(default_factory=dict)


def require_untouched_weights(store: TableStore) -> None:
    """Raise ContractError where a day of ``weights`` has other rows than those that were published."""
    for row in _published(store):
        unit = Unit("weights", row["dt"])
        state = store.states.get(unit)
        changed = store.states.foreign_change(unit)
        if changed or (state is not None and not _is_of_publication(store, state, row["delta_version"])):
            raise ContractError(
                f"weights {unit.day} {changed or 'were scored again and not published since'}; run uae "
                f"publish "
                f"--date {unit.day} --rebuild first"
            )


def publish_again(store: TableStore) -> Republished:
    """Publish the days whose rows of ``weights`` are newer than their publication, as they are.

    They are checked as any day is. A day that fails a check without some users is published all the same,
    with the check accepted and the reason told: otherwise readers would keep the rows that must go.
    """
    done = Republished()
    for row in _published(store):
        state = store.states.get(Unit("weights", row["dt"]))
        if state is None or state.version == row["delta_version"]:
            continue
        with log_context(dt=row["dt"]):
            _publish_again(store, row, state, done)
    return done


def pin_newest(store: TableStore) -> int:
    """Let all publications pin the newest versions of their days, all of them rewritten; return how many."""
    night_of = {row["dt"]: Night(store, row["dt"], row["dt"]) for row in _published(store)}
    pinned = []
    for day, night in night_of.items():
        weights, publication = (store.states.get(Unit(name, day)) for name in ("weights", "publications"))
        if weights is None or publication is None:
            continue
        told = {"delta_version": weights.version, "lineage": chain_digest(night, day)}
        pinned.append((day, *told.values()))
        store.states.record(replace(publication, counts={**publication.counts, **told}))
    if pinned:
        newest = store.spark.createDataFrame(pinned, "dt date, _version bigint, _lineage string")
        rows = read_table(store.spark, store.config.paths.tables, "publications")
        changed = rows.join(newest, "dt", "left").withColumns(
            {
                "delta_version": F.coalesce("_version", "delta_version"),
                "lineage": F.coalesce("_lineage", "lineage"),
            }
        )
        rewrite(store, "publications", changed.select(rows.columns), "pin")
    return len(pinned)


def _published(store: TableStore) -> Iterator[Row]:
    """Yield the rows of publications of ``weights``, by day."""
    if store.exists("publications"):
        rows = weight_publications(store.read("publications"), status=None)
        yield from (
            rows.select("dt", "delta_version", "accepted_checks", "accepted_reason").orderBy("dt").collect()
        )


def _is_of_publication(store: TableStore, state: DayState, pinned: int) -> bool:
    """Tell whether a day of weights is what was published, or what passed for it, but for a rewrite."""
    if state.version == pinned or f"scores {state.unit.day}" in (state.inputs or {}):
        return True
    return is_rewrite(store.spark, store.path("weights"), state.version)


def _publish_again(store: TableStore, row: Row, weights: DayState, done: Republished) -> None:
    day = row["dt"]
    night = Night(store, day, day, reopens=False)
    rows = store.read("weights", [day])
    if rows.isEmpty():
        store.drop_day("publications", day, {"step": "forget"})
        store.states.accept(Unit("publications", day), {})
        done.withdrawn.append(day)
        log("a day holds nobody any more and is published no more")
        return
    models = models_of(weights)
    assert models is not None  # it was published
    judged = judge(night, weights, models, rows)
    failed = {check.code or check.name for check in judged.checks if not check.passed}
    before = set(row["accepted_checks"] or [])
    reasons = [row["accepted_reason"]] if before else []
    if failed - before:
        warn(
            "a day without forgotten users fails checks, and is published all the same", checks=sorted(failed)
        )
        done.accepted[day] = sorted(failed)
        reasons.append(REASON)
    accepted, reason = sorted(failed | before), "; ".join(filter(None, reasons))
    unit = Unit("publications", day)
    state = store.states.get(unit)
    new_row, counts = publication_of(night, weights, models, judged, weights.version, accepted, reason)
    record = {
        "step": "forget",
        "unit": [unit.table, day.isoformat(), unit.part],
        "inputs": (state.inputs if state else None) or PUBLICATION.inputs(night, unit),
        "settings": state.settings if state else PUBLICATION.settings(store.config),
        "run": store.config.run_id(day.isoformat()),
        "counts": counts,
    }
    write_row(store, new_row, record)
    store.states.accept(unit, {}, tuple(map(str, judged.checks)))
    done.days.append(day)
