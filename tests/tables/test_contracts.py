"""What the tables promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from uae_model.config import Config
from uae_model.config.settings import RESERVED_COLUMNS
from uae_model.errors import ContractError
from uae_model.tables import TABLES, contract_for


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_day_a_key_and_a_purpose(config: Config, name: str) -> None:
    contract = contract_for(name, config)
    assert contract.name == name
    assert contract.purpose
    assert contract.columns[-1] == "dt"
    required = {field.name for field in contract.schema.fields if not field.nullable}
    assert {*contract.key, "dt"} <= required
    assert len(set(contract.columns)) == len(contract.columns)


def test_weights_are_plays_with_seven_more_columns(config: Config) -> None:
    plays, weights = (contract_for(name, config) for name in ("plays", "weights"))
    assert [name for name in weights.columns if name not in plays.columns] == [
        *("attention", "propensity", "sample_weight", "weighting"),
        *("attention_model_version", "propensity_model_version", "run_id"),
    ]
    assert [name for name in plays.columns if name not in weights.columns] == []
    assert weights.key == ("session_id", "position")


def test_no_feature_may_take_the_name_of_a_column(config: Config) -> None:
    features = {feature.name for feature in config.features}
    columns = {
        name for table in ("events", "plays", "weights") for name in contract_for(table, config).columns
    }
    assert columns - features == RESERVED_COLUMNS


def test_features_have_the_type_of_their_kind_and_origin(config: Config) -> None:
    types = {field.name: field.dataType.simpleString() for field in contract_for("plays", config).schema}
    assert {
        name: types[name] for name in ("device", "song_popularity", "play_rank", "gap_seconds", "hour_of_day")
    } == {
        **{"device": "string", "song_popularity": "double"},
        **{"play_rank": "int", "gap_seconds": "double", "hour_of_day": "int"},
    }
    assert "user" not in types  # features of event columns need no column of their own
    assert types["user_id"] == "string"


def test_published_tables_stay_readable_as_long_as_configured(make_config: Callable[..., Config]) -> None:
    config = make_config("retention.published_days=90", "retention.working_days=9")
    kept = {
        name: contract_for(name, config).properties()["delta.deletedFileRetentionDuration"] for name in TABLES
    }
    published = {"weights", "feature_health", "publications"}
    assert {name for name, interval in kept.items() if interval == "interval 90 days"} == published
    assert {interval for name, interval in kept.items() if name not in published} == {"interval 9 days"}
    assert contract_for("weights", config).properties() == {
        "delta.deletedFileRetentionDuration": "interval 90 days",
        "delta.logRetentionDuration": "interval 90 days",
        "delta.enableDeletionVectors": "false",  # delta-rs and petastorm read plain files
        "delta.columnMapping.mode": "none",
    }


def test_an_unknown_table_is_refused_with_the_names_that_exist(config: Config) -> None:
    with pytest.raises(
        ContractError, match=r"no table is called 'clicks'; the tables are events, quarantine,"
    ):
        contract_for("clicks", config)
