"""The key that tables know: with another one every user would become a new one, unnoticed.

Tables with pseudonyms carry the fingerprint of the key as a property, and ``events`` also whether its event
ids are hashed. Both are compared before anything is written.
"""

from __future__ import annotations

from uae_model.config import Config
from uae_model.core.errors import ConfigError
from uae_model.core.logs import warn
from uae_model.ingest.keys import fingerprint_of, read_key
from uae_model.lake import TableStore

KEY_FINGERPRINT = "uae.keyFingerprint"
KEY_CHANGE = "uae.keyChange"
"""Fingerprint of the key that a change which is not finished goes to; empty once it is."""

EVENT_IDS = "uae.eventIds"
HASHED, AS_DELIVERED = "hashed", "as delivered"

WITH_PSEUDONYMS = ("events", "users")
"""Tables that ingest writes pseudonyms to; all others have theirs from these."""


def require_known_key(store: TableStore, key: bytes) -> None:
    """Raise ConfigError where a table holds pseudonyms of another key, or of half of a change of the key."""
    for name in WITH_PSEUDONYMS:
        properties = store.properties(name)
        if properties.get(KEY_CHANGE):
            raise ConfigError(
                f"table {name}: a change of the HMAC key was begun and not finished; run the same uae rekey "
                f"again"
            )
        known = properties.get(KEY_FINGERPRINT)
        if known and known != fingerprint_of(key):
            raise ConfigError(
                f"table {name} holds pseudonyms of the HMAC key with fingerprint {known}, "
                f"{_origin(store.config)} "
                f"has another, {fingerprint_of(key)}, with which every user would become a new one: put the "
                f"former "
                "key back, or change keys on purpose: uae rekey --new-key-file FILE"
            )
    _require_same_event_ids(store)


def known_key(store: TableStore) -> bytes:
    """Return the configured key.

    Raises:
        ConfigError: if it cannot be read, or is not the one of the tables.
    """
    key = read_key(store.config)
    require_known_key(store, key)
    return key


def record_key(store: TableStore, name: str, key: bytes) -> None:
    """Record the fingerprint of the key with one of ``WITH_PSEUDONYMS``, before rows are written to it."""
    wanted = {KEY_FINGERPRINT: fingerprint_of(key)}
    if name == "events":
        wanted[EVENT_IDS] = _event_ids(store.config)
    present = store.properties(name)
    if KEY_FINGERPRINT not in present and present:
        warn(
            "a table of a former version does not say of which key its pseudonyms are: the present key is "
            "taken "
            "to be theirs",
            table=name,
            fingerprint=wanted[KEY_FINGERPRINT],
        )
    if any(present.get(property_name) != value for property_name, value in wanted.items()):
        store.set_properties(name, wanted)


def unrecorded(store: TableStore) -> list[str]:
    """Return the tables of ``WITH_PSEUDONYMS`` that are there and do not say of which key they are."""
    return [
        name
        for name in WITH_PSEUDONYMS
        if store.exists(name) and KEY_FINGERPRINT not in store.properties(name)
    ]


def _require_same_event_ids(store: TableStore) -> None:
    known = store.properties("events").get(EVENT_IDS)
    if known and known != _event_ids(store.config):
        raise ConfigError(
            f"table events holds event ids {known}, identity.hash_event_ids = "
            f"{str(store.config.identity.hash_event_ids).lower()}: every event would come a second time; "
            f"set it "
            "back, or use a new paths.tables"
        )


def _event_ids(config: Config) -> str:
    return HASHED if config.identity.hash_event_ids else AS_DELIVERED


def _origin(config: Config) -> str:
    return config.paths.hmac_key_file or f"${config.identity.hmac_key_env}"
