"""The record of the nights on S3, made by `make object-storage`: what it says, and that the page says it."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from scripts import object_storage_night, object_storage_record
from tests.readers.published_tables import LAST, morning_after, publish, weighted_rows
from uae_model.config import load_config
from uae_model.core.locations import is_local


@pytest.fixture
def record() -> dict[str, Any]:
    return object_storage_record.ON_PAGE.read()


def test_the_record_is_of_two_equal_runs_and_the_page_shows_it(record: dict[str, Any]) -> None:
    assert object_storage_record.differences(record) == []
    page = object_storage_record.PAGE.read_text()
    assert object_storage_record.ON_PAGE.filled_in(page, record) == page
    assert record["nights"] == [str(night) for night in object_storage_night.NIGHTS]
    assert [line["reader"] for line in record["readers"]] == ["Arrow", "pandas", "Polars", "torch", "Spark"]


def test_other_rows_and_missing_ones_would_be_told(record: dict[str, Any]) -> None:
    wrong = copy.deepcopy(record)
    wrong["tables"][0]["equal"] = wrong["readers"][0]["equal"] = False
    wrong["readers"][1]["rows"] = [0, 0]
    wrong["tables"] = [line for line in wrong["tables"] if line["table"] != "weights"]
    wrong["models"][1] = {"losses": {}, "networks": ""}
    wrong["second_writer"] = 0
    wrong["folders"][1].remove("reports")
    assert object_storage_record.differences(wrong) == [
        f"table {wrong['tables'][0]['table']}: other rows",
        "reader Arrow: other rows",
        "reader pandas: no rows",
        "table weights: no rows",
        "other models",
        "a second writer ended with exit code 0",
        "nothing on S3 in reports",
    ]


def test_rows_are_compared_whatever_their_order(tmp_path: Path) -> None:
    rows = weighted_rows(LAST)
    changed = [{**rows[0], "sample_weight": rows[0]["sample_weight"] / 2}, *rows[1:]]
    for name, written in (("a", rows), ("b", rows[::-1]), ("c", changed)):
        publish(tmp_path / name, written, morning_after(LAST))
    lines = {
        name: object_storage_record.tables(str(tmp_path / "a"), str(tmp_path / name))[0]
        for name in ("b", "c")
    }
    assert lines["b"]["table"] == "weights"
    assert lines["b"]["rows"] == [len(rows), len(rows)]
    assert {name: line["equal"] for name, line in lines.items()} == {"b": True, "c": False}


def test_everything_but_the_registry_and_the_key_lies_on_s3(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    object_storage_night.configure(folder, "s3a://plays/site/")
    config = load_config(folder / "uae.toml")
    assert tomllib.loads((folder / "uae.toml").read_text())["paths"]["tables"] == "s3a://plays/site/tables"
    places = config.paths.model_dump()
    here = {name for name, place in places.items() if place and is_local(place)}
    assert here == {"hmac_key_file"}
    assert places["mlflow"].startswith("sqlite:///")
    assert not any(is_local(dimension.feed) for dimension in config.dimensions)
