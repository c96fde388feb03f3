"""Contracts in the Open Data Contract Standard: valid by its schema, and what the code says."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft201909Validator, FormatChecker

from scripts.contracts import FOLDER, main, standard_contract, texts
from uae_model.config import load_config
from uae_model.lake import TABLES, contract_for

SCHEMA = Path(__file__).parent / "schemas" / "odcs.json"


@cache
def validator() -> Draft201909Validator:
    return Draft201909Validator(json.loads(SCHEMA.read_text()), format_checker=FormatChecker())


def of_table(name: str) -> dict[str, Any]:
    return standard_contract(contract_for(name, load_config(None)))


def columns(contract: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {column["name"]: column for column in contract["schema"][0]["properties"]}


@pytest.mark.parametrize("name", TABLES)
def test_the_contract_is_valid_by_the_standard(name: str) -> None:
    content = yaml.safe_load((FOLDER / f"{name}.odcs.yaml").read_text())
    assert [error.message for error in validator().iter_errors(content)] == []
    assert content["id"] == f"uae.{name}"


def test_a_contract_that_breaks_the_standard_is_caught() -> None:
    contract = of_table("weights")
    columns(contract)["dt"]["logicalType"] = "day"
    assert list(validator().iter_errors(contract))


def test_the_contracts_are_not_stale() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.yaml")}
    assert written == texts(load_config(None)), "run `make reference` and commit deploy/contracts"


def test_columns_key_partition_and_types() -> None:
    told = columns(of_table("publications"))
    assert told["dt"] == {
        "name": "dt",
        "logicalType": "date",
        "physicalType": "date",
        "required": True,
        "primaryKey": True,
        "primaryKeyPosition": 1,
        "partitioned": True,
        "partitionKeyPosition": 1,
    }
    assert told["table_name"]["primaryKeyPosition"] == 2
    assert told["lineage"]["required"] is False
    assert told["checks"]["items"] == {"logicalType": "string", "physicalType": "string"}
    assert list(told) == contract_for("publications", load_config(None)).columns


def test_constraints_count_the_rows_that_break_them() -> None:
    (schema,) = of_table("plays")["schema"]
    rules = {rule["name"]: rule for rule in schema["quality"]}
    assert rules["key_is_unique"]["arguments"] == {"properties": ["session_id", "position"]}
    assert (
        rules["label_is_binary"]["query"] == "SELECT COUNT(*) FROM plays WHERE (label IN (0, 1)) IS NOT TRUE"
    )
    assert rules["label_is_binary"]["mustBe"] == 0


def test_what_is_pinned_says_how_to_read_it() -> None:
    assert "publications" in of_table("weights")["description"]["usage"]
    assert "usage" not in of_table("events")["description"]
    assert of_table("weights")["slaProperties"][0]["value"] == load_config(None).retention.published_days


def test_contracts_of_own_features(tmp_path: Path) -> None:
    config = tmp_path / "uae.toml"
    config.write_text('[[features]]\nname = "mood"\nkind = "categorical"\nrole = "both"\n')
    main(["--config", str(config), "--out", str(tmp_path / "contracts")])
    content = yaml.safe_load((tmp_path / "contracts" / "weights.odcs.yaml").read_text())
    assert columns(content)["mood"]["physicalType"] == "string"
