"""A published day whose files are lost or damaged is written anew, through the same checks."""

from __future__ import annotations

from datetime import date

from pyspark.sql import Row

from uae_model.core.logs import log
from uae_model.lake import TableStore
from uae_model.pipeline.currency import Reason
from uae_model.pipeline.runner import build
from uae_model.pipeline.step import Acceptance, Night
from uae_model.pipeline.steps import PUBLICATION, SCORES
from uae_model.pipeline.steps.publication import carried_acceptance, published_row
from uae_model.pipeline.steps.scores import damage_of_scores, models_of
from uae_model.registry.pinned import PinnedRegistry


def rebuild(store: TableStore, day: date, acceptance: Acceptance) -> str:
    """Publish a published day again; return what its rows were taken from.

    That is table ``scores`` where it has the day whole, from the models that the publication names; otherwise
    the day is scored again with these. Checks that a person overruled stay overruled.

    Raises:
        InputError: if the day is not published, or its plays are gone.
        ModelError: if the registry does not hold the models.
        PublicationRefusedError: listing the checks that failed; the publication is as it was.
    """
    row = published_row(store, day)
    source, defect = "scores", _defect_of_scores(store, row)
    if defect:
        log("scores are no source of a published day", dt=day, reason=defect)
        source = f"plays, scored with attention model {row['attention_model_version']}"
        registry = PinnedRegistry(store.config, row["attention_model_version"])
        build(store, SCORES, day, registry, reason=Reason(f"{defect}; it is scored again"))
    overruled = acceptance if acceptance.codes else carried_acceptance(row)
    reason = Reason("a person asked to publish it again")
    build(store, PUBLICATION, day, acceptance=overruled, reason=reason)
    return source


def _defect_of_scores(store: TableStore, published: Row) -> str | None:
    """Return why a day's scores cannot be what is published; None if they can."""
    day = published["dt"]
    state = store.states.accepted("scores", day)
    if state is None:
        return "there are none that passed their checks"
    models = (published["attention_model_version"], published["propensity_model_version"])
    if models_of(state) != models:
        return f"they are of other models than those that are published, {models[0]} and {models[1]}"
    damage = damage_of_scores(Night(store, day, day), day)
    return f"their files are damaged: {damage}" if damage else None
