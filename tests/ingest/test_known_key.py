"""Tables know their key: another one is refused in one line, before anything is written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import SparkSession

from uae_model.config import Config
from uae_model.core.errors import ConfigError
from uae_model.ingest.keys import fingerprint_of
from uae_model.ingest.known_key import (
    KEY_CHANGE,
    known_key,
    record_key,
    require_known_key,
    unrecorded,
)
from uae_model.lake import TableStore

KEY, OTHER = b"the key of users, first", b"the key of users, other"


def test_the_key_is_recorded_with_its_tables_and_another_is_refused(
    store: TableStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_known_key(store, OTHER)  # nothing is there yet
    record_key(store, "events", KEY)
    record_key(store, "users", KEY)
    assert [store.latest_version(name) for name in ("events", "users")] == [0, 0]
    record_key(store, "events", KEY)
    assert store.latest_version("events") == 0
    monkeypatch.setenv("UAE_HMAC_KEY", KEY.decode())
    assert known_key(store) == KEY
    monkeypatch.setenv("UAE_HMAC_KEY", OTHER.decode())
    with pytest.raises(ConfigError) as failure:
        known_key(store)
    told = str(failure.value)
    assert f"table events holds pseudonyms of the HMAC key with fingerprint {fingerprint_of(KEY)}" in told
    assert f"$UAE_HMAC_KEY has another, {fingerprint_of(OTHER)}" in told
    assert told.endswith("uae rekey --new-key-file FILE")
    assert failure.value.exit_code == 2
    assert OTHER.decode() not in told


def test_a_dimension_of_users_alone_knows_its_key_too(store: TableStore) -> None:
    record_key(store, "users", KEY)
    with pytest.raises(ConfigError, match="table users holds pseudonyms"):
        require_known_key(store, OTHER)


def test_a_table_of_a_former_version_takes_the_present_key(
    store: TableStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.ensure("events")
    assert unrecorded(store) == ["events"]
    require_known_key(store, KEY)
    record_key(store, "events", KEY)
    assert unrecorded(store) == []
    assert store.latest_version("events") == 1
    with pytest.raises(ConfigError, match="table events"):
        require_known_key(store, OTHER)


def test_a_change_that_is_not_finished_stops_everything(store: TableStore) -> None:
    record_key(store, "events", KEY)
    store.set_properties("events", {KEY_CHANGE: fingerprint_of(OTHER)})
    for key in (KEY, OTHER):
        with pytest.raises(ConfigError, match="was begun and not finished; run the same uae rekey again"):
            require_known_key(store, key)


def test_event_ids_are_hashed_from_the_first_event_on_or_never(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    plain, hashing = (
        TableStore(spark, make_config(f"identity.hash_event_ids={told}")) for told in ("false", "true")
    )
    record_key(plain, "events", KEY)
    require_known_key(plain, KEY)
    with pytest.raises(ConfigError, match=r"holds event ids as delivered, identity\.hash_event_ids = true"):
        require_known_key(hashing, KEY)
