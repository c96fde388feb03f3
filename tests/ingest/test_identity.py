"""Pseudonyms against the published test vectors of HMAC-SHA256, and where the key comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from uae_model.config import Config
from uae_model.core.errors import ConfigError
from uae_model.ingest.identity import pseudonymise, read_key, user_hasher

KEY = "0123456789abcdef0123456789abcdef"

# RFC 4231, section 4: test cases whose data are text, as a user id is.
RFC_4231 = {
    "case 1": (b"\x0b" * 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    "case 2": (
        b"Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    "case 6": (
        b"\xaa" * 131,
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    "case 7": (
        b"\xaa" * 131,
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
}


@pytest.mark.parametrize("case", RFC_4231)
def test_the_test_vectors_of_rfc_4231(case: str) -> None:
    key, data, expected = RFC_4231[case]
    assert user_hasher(key)(pd.Series([data])).tolist() == [expected]


def test_in_spark_null_stays_null_and_the_key_is_in_no_plan(spark: SparkSession) -> None:
    key, data, expected = RFC_4231["case 2"]
    frame = spark.createDataFrame([(data,), (None,), ("ü",)], "user_id string")
    hashed = frame.select(pseudonymise(frame["user_id"], key).alias("pseudonym"))
    found = [row["pseudonym"] for row in hashed.collect()]
    assert found[:2] == [expected, None]
    assert len(found[2]) == 64  # UTF-8, whatever the letters
    plan = hashed._jdf.queryExecution().toString()
    assert key.decode() not in plan


def test_the_key_comes_from_the_environment(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", f" {KEY}\n")
    assert read_key(config) == KEY.encode()


def test_another_variable_may_hold_it(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UAE_HMAC_KEY", raising=False)
    monkeypatch.setenv("OTHER_KEY", KEY)
    assert read_key(make_config("identity.hmac_key_env=OTHER_KEY")) == KEY.encode()


def test_a_file_wins_over_the_environment(
    make_config: Callable[..., Config], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", "from the environment")
    (tmp_path / "key").write_bytes(KEY.encode() + b"\n")
    assert read_key(make_config("paths.hmac_key_file=key")) == KEY.encode()


def test_without_a_key_the_error_says_how_to_make_one(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UAE_HMAC_KEY", raising=False)
    with pytest.raises(ConfigError, match=r"variable UAE_HMAC_KEY: holds 0 bytes.*openssl rand -hex 32"):
        read_key(config)


@pytest.mark.parametrize(("key", "is_enough"), [("x" * 15, False), ("x" * 16, True)])
def test_a_short_key_is_refused(
    config: Config, monkeypatch: pytest.MonkeyPatch, key: str, is_enough: bool
) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", key)
    if is_enough:
        assert read_key(config) == key.encode()
        return
    with pytest.raises(ConfigError, match=r"holds 15 bytes, .* needs at least 16") as failure:
        read_key(config)
    assert key not in str(failure.value)  # logs show errors, and must not show keys


def test_a_key_file_that_is_missing_is_named(make_config: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match=r"paths.hmac_key_file = '.*/nowhere': there is no such file"):
        read_key(make_config("paths.hmac_key_file=nowhere"))
