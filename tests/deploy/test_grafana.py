"""The dashboard: every query uses what a run writes; panels have a place and a meaning."""

from __future__ import annotations

import json
from itertools import combinations
from typing import Any

import pytest

from tests.deploy.queries import DEPLOY, LABELS, named_in, strangers

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "uae.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
QUERIES += [annotation["expr"] for annotation in DASHBOARD["annotations"]["list"]]
WIDTH = 24
"""Columns of Grafana's grid."""


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_uses_what_the_code_writes(query: str) -> None:
    assert named_in(query).metrics
    assert strangers(query) == []


def test_every_metric_but_plain_times_and_counts_is_shown() -> None:
    shown = {name for query in QUERIES for name in named_in(query).metrics}
    kept_for_queries = {
        *("uae_run_end_timestamp_seconds", "uae_rows", "uae_propensity_model_version", "uae_accepted_checks"),
    }
    assert set(LABELS) - shown == kept_for_queries


def test_legends_name_labels_of_their_query() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            legend = target["legendFormat"]
            labels = {part.partition("}}")[0] for part in legend.split("{{")[1:]}
            assert labels <= named_in(target["expr"]).labels, legend


def test_panels_lie_beside_each_other() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    for panel in PANELS:
        place = panel["gridPos"]
        assert 0 <= place["x"] <= WIDTH - place["w"]
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert [target["refId"] for target in panel["targets"]] == list("ABCDEFG"[: len(panel["targets"])])
    for one, other in combinations([panel["gridPos"] for panel in PANELS], 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart


def test_the_data_source_is_chosen_at_import() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    assert strangers(variables["job"]["query"]["query"].removeprefix("label_values(").split(",")[0]) == []
    sources = {target["datasource"]["uid"] for panel in PANELS for target in panel["targets"]}
    assert sources == {"${datasource}"}
