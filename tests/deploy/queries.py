"""PromQL of alerts and dashboards: which metrics and labels it names, as a parser reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import promql_parser

from tests.docs.pages import ROOT
from uae_model.core.run_figures import METRICS

DEPLOY = ROOT / "deploy"
LABELS = {metric.name: metric.labels for metric in METRICS}
"""Labels of each metric that the code writes."""


@dataclass
class Named:
    """What an expression names.

    Attributes:
        metrics: names of metrics.
        matched: pairs of a metric and a label that selects its series.
        grouped: labels that series are grouped by.
    """

    metrics: set[str] = field(default_factory=set)
    matched: set[tuple[str, str]] = field(default_factory=set)
    grouped: set[str] = field(default_factory=set)

    @property
    def labels(self) -> set[str]:
        """Labels that the result has."""
        common = set.intersection(*(set(LABELS[name]) for name in self.metrics))
        return self.grouped or common


def named_in(expression: str) -> Named:
    """Return what an expression names.

    Raises:
        ValueError: if Prometheus could not parse it.
    """
    named = Named()

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            named.metrics.add(str(node.name))
            named.matched |= {(str(node.name), matcher.name) for matcher in node.matchers.matchers}
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
            named.grouped |= set(node.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return named


def strangers(expression: str) -> list[str]:
    """Return the metrics and labels of an expression that the code does not write."""
    named = named_in(expression)
    known, unknown = named.metrics & set(LABELS), named.metrics - set(LABELS)
    matched = [(name, label) for name, label in named.matched if name in known and label not in LABELS[name]]
    grouped = named.grouped.difference(*(LABELS[name] for name in known)) if known else set()
    told = [
        *unknown,
        *(f"{name}{{{label}}}" for name, label in matched),
        *(f"by ({label})" for label in grouped),
    ]
    return sorted(told)
