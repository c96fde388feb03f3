"""What the tables promise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from uae_model.config import Config, load_config
from uae_model.config.settings import RESERVED_COLUMNS
from uae_model.core.errors import ContractError
from uae_model.lake import TABLES, contract_for


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_a_key_and_a_purpose_and_most_a_day(config: Config, name: str) -> None:
    contract = contract_for(name, config)
    assert contract.name == name
    assert contract.purpose
    required = {field.name for field in contract.schema.fields if not field.nullable}
    assert set(contract.key) <= required
    if contract.partition:
        assert contract.columns[-1] == contract.partition == "dt"
        assert "dt" in required
    assert len(set(contract.columns)) == len(contract.columns)


def test_dimensions_hold_what_is_declared_and_no_day() -> None:
    config = load_config(None, profile="dimensions")
    songs, users, weights = (contract_for(name, config) for name in ("songs", "users", "weights"))
    assert songs.columns == ["song_id", "genre", "release_year", "valid_from", "valid_to", "restated_at"]
    assert (songs.key, songs.partition) == (("song_id", "valid_from"), None)
    types = {field.name: field.dataType.simpleString() for field in songs.schema}
    assert (types["genre"], types["release_year"]) == ("string", "double")
    assert users.columns[:3] == ["user_id", "country", "subscription"]
    assert {"user_country", "user_subscription", "song_release_year", "genre"} < set(weights.columns)
    assert "genre" not in contract_for("plays", config).columns


def test_weights_are_plays_with_seven_more_columns(config: Config) -> None:
    plays, scores, weights = (contract_for(name, config) for name in ("plays", "scores", "weights"))
    assert scores.schema == weights.schema == contract_for("scores_side", config).schema
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
    published = {"weights", "feature_health", "publications", "refusals"}
    assert {name for name, interval in kept.items() if interval == "interval 90 days"} == published
    assert {interval for name, interval in kept.items() if name not in published} == {"interval 9 days"}
    assert contract_for("weights", config).properties() == {
        "delta.dataSkippingNumIndexedCols": "0",
        "delta.autoOptimize.optimizeWrite": "true",
        "delta.deletedFileRetentionDuration": "interval 90 days",
        "delta.logRetentionDuration": "interval 90 days",
        "delta.enableDeletionVectors": "false",  # delta-rs and petastorm read plain files
        "delta.columnMapping.mode": "none",
    }


def test_files_can_be_skipped_by_columns_that_come_first(config: Config) -> None:
    skipped = {name: contract_for(name, config) for name in ("quarantine", "feature_partials")}
    assert {name: contract.skip_by for name, contract in skipped.items()} == {
        "quarantine": ("slot",),
        "feature_partials": ("entity",),
    }
    for contract in skipped.values():
        assert set(contract.skip_by) <= set(contract.columns)
        assert contract.properties()["delta.dataSkippingStatsColumns"] == ",".join(contract.skip_by)
        assert "delta.dataSkippingNumIndexedCols" not in contract.properties()
        assert contract.properties()["delta.autoOptimize.optimizeWrite"] == "false"


def test_files_that_readers_skip_or_pin_are_not_written_together(config: Config) -> None:
    apart = {name for name in TABLES if not contract_for(name, config).is_compacted}
    assert apart == {"quarantine", "feature_partials", "weights"}


def test_an_unknown_table_is_refused_with_the_names_that_exist(config: Config) -> None:
    with pytest.raises(
        ContractError, match=r"no table is called 'clicks'; the tables are events, quarantine,"
    ):
        contract_for("clicks", config)
