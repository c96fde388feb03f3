"""A day scored with another pair of models than the champion, beside what is scored and published."""

from __future__ import annotations

from datetime import date

from uae_model.core.logs import log
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.step import Night
from uae_model.pipeline.steps.scores import lie_in_order, require_plays_and_features, scored_rows
from uae_model.registry.pinned import PinnedRegistry


def score_beside(store: TableStore, day: date, attention_version: int) -> int:
    """Score a day with an attention model's pair into ``scores_side``; return the rows.

    Rows of the same day and version are replaced. Read them with ``readers.read_side_scores``.

    Raises:
        InputError: if the day has no plays, or lacks features.
        ModelError: if the registry does not hold the version, or it was trained on other features.
    """
    night = Night(store, day, day, PinnedRegistry(store.config, attention_version), reopens=False)
    require_plays_and_features(night, Unit("plays", day))
    rows, counts = scored_rows(night, day, in_order=lie_in_order(night, day))
    within = {"attention_model_version": str(attention_version)}
    store.replace_day("scores_side", day, rows, {"step": "score", "counts": counts}, within=within)
    log("scored beside the champion", dt=day, attention_version=attention_version)
    return night.row_count("plays", day)
