"""Where the key comes from, what a chain of keys is, and by what fingerprint tables know one."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from uae_model.config import Config
from uae_model.core.errors import ConfigError
from uae_model.ingest.identity import event_hasher, user_hasher
from uae_model.ingest.keys import (
    chain_of,
    derived_key,
    fingerprint_of,
    keyed_digest,
    links_of,
    read_key,
)

KEY = "0123456789abcdef0123456789abcdef"
OLD, NEW = b"the former key of users", b"the new key of users!!!"
CHAIN = b"uae-key-chain\n" + OLD + b"\n" + NEW


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


def test_a_chain_is_as_short_as_its_shortest_link(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UAE_HMAC_KEY", CHAIN.decode() + "\nshort\n")
    with pytest.raises(ConfigError, match="holds 5 bytes"):
        read_key(config)
    monkeypatch.setenv("UAE_HMAC_KEY", "uae-key-chain")
    with pytest.raises(ConfigError, match="holds 0 bytes"):
        read_key(config)


def test_a_key_file_that_is_missing_is_named(make_config: Callable[..., Config]) -> None:
    with pytest.raises(ConfigError, match=r"paths.hmac_key_file = '.*/nowhere': there is no such file"):
        read_key(make_config("paths.hmac_key_file=nowhere"))


def test_a_key_is_one_secret_whatever_its_bytes_and_a_chain_says_that_it_is_one() -> None:
    assert links_of(b"\x00\n\xff" * 8) == (b"\x00\n\xff" * 8,)
    assert links_of(CHAIN.replace(b"\n", b"\r\n") + b"\n\n") == (OLD, NEW)
    assert chain_of((OLD, NEW)) == CHAIN
    assert chain_of((OLD,)) == OLD


def test_a_chain_makes_pseudonyms_of_pseudonyms() -> None:
    before = hmac.new(OLD, b"ann", hashlib.sha256).hexdigest()
    after = hmac.new(NEW, before.encode(), hashlib.sha256).hexdigest()
    users = pd.Series(["ann", None])
    assert user_hasher(OLD)(users).tolist() == [before, None]
    assert user_hasher(CHAIN)(users).tolist() == [after, None]
    assert user_hasher(NEW)(user_hasher(OLD)(users)).tolist() == [after, None]


def test_event_ids_are_hashed_by_keys_of_their_own() -> None:
    ids = pd.Series(["event-1"])
    first = hmac.new(derived_key(OLD, "event ids"), b"event-1", hashlib.sha256).hexdigest()[:32]
    assert event_hasher(OLD)(ids).tolist() == [first]
    assert event_hasher(CHAIN)(ids).tolist() == event_hasher(NEW)(pd.Series([first])).tolist()


def test_a_fingerprint_names_a_key_and_costs_what_a_guess_shall_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    fingerprint = fingerprint_of(KEY.encode())
    assert len(fingerprint) == 16
    assert int(fingerprint, 16) > 0
    assert fingerprint == fingerprint_of.__wrapped__(KEY.encode())
    others = {fingerprint_of(key) for key in (OLD, NEW, CHAIN, chain_of((NEW, OLD)))}
    assert len(others - {fingerprint}) == 4
    # An HMAC of a fixed text, or a plain hash, could be tried a billion times a second.
    fast = [hashlib.sha256(KEY.encode()).hexdigest(), hmac.new(KEY.encode(), b"uae", "sha256").hexdigest()]
    assert fingerprint not in {digest[:16] for digest in fast}
    spent: list[int] = []

    def measured(_: bytes, *, n: int, r: int, **others: object) -> bytes:
        spent.append(128 * n * r)
        return b"12345678"

    monkeypatch.setattr(hashlib, "scrypt", measured)
    fingerprint_of.__wrapped__(b"another key of 24 bytes!")
    assert spent == [16 * 1024 * 1024]


def test_derived_keys_differ_by_purpose_and_length_and_follow_the_newest_link() -> None:
    assert derived_key(OLD, "quarantine") != derived_key(OLD, "forgotten users")
    assert len(derived_key(OLD, "quarantine", 64)) == 64
    assert keyed_digest(CHAIN, "forgotten users", "u") == keyed_digest(NEW, "forgotten users", "u")
    assert keyed_digest(CHAIN, "forgotten users", "u") != keyed_digest(OLD, "forgotten users", "u")
    assert len(keyed_digest(OLD, "quarantine rows", "ü", digits=12)) == 12
