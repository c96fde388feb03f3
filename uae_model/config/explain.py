"""What each declared feature means, where it comes from and what it costs, as a table of text."""

from __future__ import annotations

from uae_model.config import Config, Feature
from uae_model.config.features import AGGREGATE
from uae_model.config.measures import declared, entities, entity_measures, measures
from uae_model.core.feature_words import meaning_of
from uae_model.core.text_table import aligned


def explain(config: Config) -> str:
    """Return a table of all features, and one of the partial aggregates that they share."""
    rows: list[tuple[str, ...]] = [("feature", "kind", "role", "meaning", "source", "cost")]
    rows += [
        (f.name, _kind(f), f.role, _meaning(f, config), _source(f), _cost(f, config)) for f in config.features
    ]
    parts = [f"{len(config.features)} features", "", *aligned(rows)]
    if entities(config):
        parts += ["", "partial aggregates, one row an entity and day", "", *aligned(_partials(config))]
    return "\n".join(parts)


def _kind(feature: Feature) -> str:
    if feature.kind == "categorical":
        return f"categorical, {feature.buckets} buckets"
    return "numeric" if feature.transform == "none" else f"numeric, {feature.transform}"


def _meaning(feature: Feature, config: Config) -> str:
    return meaning_of(feature.model_dump(mode="json"), config.aggregation.completed_seconds)


def _source(feature: Feature) -> str:
    if feature.is_attribute:
        return f"{feature.origin}s"
    if feature.aggregate is None:
        return {"feed": "events", "event": "events", "session": "plays"}[feature.origin]
    return f"feature_partials, {feature.aggregate.entity_name}"


def _cost(feature: Feature, config: Config) -> str:
    """Say what a feature adds to a night, given those declared before it."""
    if feature.is_attribute:
        is_first = feature is config.features.of_origin(feature.origin)[0]
        return "a join a day" if is_first else "a column, from versions read already"
    if feature.source != AGGREGATE:
        return "a column"
    aggregate = declared(feature)
    siblings = entities(config)[aggregate.entity]
    before = siblings[: siblings.index(feature)]
    longest = max((declared(earlier).window for earlier in before), default=0)
    new = [m.name for m in measures(aggregate) if m not in entity_measures(before)]
    costs = []
    if not before:
        costs.append("an aggregation and a join a day")
    if aggregate.window > longest:
        days = aggregate.window - longest
        costs.append(f"{days} {'more ' if longest else ''}day{'s' if days > 1 else ''} of partials to read")
    if new:
        costs.append(f"{len(new)} partial column{'s' if len(new) > 1 else ''}")
    return ", ".join(costs) or "a column, from partials read already"


def _partials(config: Config) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("entity", "days read", "features", "columns")]
    for entity, features in entities(config).items():
        longest = max(declared(feature).window for feature in features)
        names = ", ".join(measure.name for measure in entity_measures(features))
        rows.append((" x ".join(entity), str(longest), str(len(features)), names))
    return rows
