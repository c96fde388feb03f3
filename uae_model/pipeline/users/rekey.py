"""A change of the key: what tables hold of users under the former key becomes what it is under the new one.

A pseudonym cannot be turned back into a raw id, and the feed of all days is seldom there any more. So the new
pseudonym is made of the old one, HMAC(new secret, old pseudonym), and the key is a chain of both secrets from
then on: sessions, history and weights stay linked, and no feed is read. Who has the former secret alone can
neither make a pseudonym nor recognise one; both are needed.

Each table is rewritten in one commit, which Delta makes once however often it is tried; ``events`` come last.
Meanwhile a property of the tables stops every other run.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.errors import ConfigError
from uae_model.core.logs import log, log_context, warn
from uae_model.ingest.forgotten import TABLE as FORGOTTEN
from uae_model.ingest.forgotten import forgotten_again
from uae_model.ingest.identity import hash_event_ids, natural_event_id, pseudonymise
from uae_model.ingest.keys import chain_of, fingerprint_of, key_of_file, links_of, read_key
from uae_model.ingest.known_key import (
    EVENT_IDS,
    HASHED,
    KEY_CHANGE,
    KEY_FINGERPRINT,
    WITH_PSEUDONYMS,
    require_known_key,
)
from uae_model.ingest.quarantine import resealed_rows, seal_former_rows
from uae_model.lake import TABLES, TableStore
from uae_model.lake.rewrites import is_rewritten, rewrite
from uae_model.lake.store import read_table
from uae_model.pipeline.users.publications import pin_newest
from uae_model.pipeline.users.tables import (
    PARTIALS,
    QUARANTINE,
    follow_all,
    partials_anew,
    remove_copies,
    tables_with,
    vacuum,
)
from uae_model.sessions.cut import session_id_of

REASON = "rekey"


@dataclass(frozen=True)
class KeyChange:
    """From one key to the next.

    Attributes:
        former: the key that the tables have.
        new: that key with one secret more.
        hashes_events: whether event ids are hashed with the key.
    """

    former: bytes
    new: bytes
    hashes_events: bool

    @property
    def secret(self) -> bytes:
        """The new secret."""
        return links_of(self.new)[-1]

    @property
    def name(self) -> str:
        """What names the change in tables."""
        return f"uae rekey {fingerprint_of(self.new)}"


def rekey(store: TableStore, new_key_file: str, *, vacuums: bool = False) -> dict[str, Any]:
    """Change the key of all tables to that of a file; return what was done.

    The file holds the new secret; it is written anew as the chain of the former secrets and this one, before
    any table is touched. A run that was killed goes on with the same command.

    Args:
        store: the tables, under the former key.
        new_key_file: file with the new secret, or with the chain that ends with it.
        vacuums: whether old versions of the tables, with the former pseudonyms, are removed at once.

    Raises:
        ConfigError: if a key is missing, too short, or not the one of the tables.
    """
    change = _prepared(store, new_key_file)
    held = [name for name in TABLES if store.exists(name)]
    known = [name for name in WITH_PSEUDONYMS if name in held]
    for name in known:
        store.set_properties(name, {KEY_CHANGE: fingerprint_of(change.new)})
    if QUARANTINE in held:
        seal_former_rows(store, change.former)
    with store.states.kept():
        follow_all(store)
        rewritten = [name for name in reversed(held) if _rewritten(store, name, change)]
        follow_all(store)
        pinned = pin_newest(store)
    folders = remove_copies(store.config)
    vacuumed = vacuum(store) if vacuums else ()
    for name in known:
        store.set_properties(name, {KEY_FINGERPRINT: fingerprint_of(change.new), KEY_CHANGE: ""})
    _warn_of_features(store)
    return {
        "fingerprint": fingerprint_of(change.new),
        "former_fingerprint": fingerprint_of(change.former),
        "rewritten": rewritten,
        "pinned_days": pinned,
        "removed_copies": folders,
        "vacuumed": list(vacuumed),
        "next": f"set paths.hmac_key_file to {new_key_file} for every job, and train anew where user_id is "
        "a feature",
    }


def _prepared(store: TableStore, file: str) -> KeyChange:
    """Return the change, with the chain written to the file."""
    former, new = read_key(store.config), key_of_file(file, "--new-key-file")
    links, secrets = links_of(former), links_of(new)
    if former == new and len(links) > 1:  # the settings name the new key already
        former, links = chain_of(links[:-1]), links[:-1]
    if len(secrets) == 1:
        secrets = (*links, *secrets)
    if secrets[:-1] != links or secrets[-1] in links:
        raise ConfigError(
            f"--new-key-file {file}: holds neither a new secret nor the chain of the present key and a new "
            f"one; make one with: openssl rand -hex 32 > {file}"
        )
    hashes = store.properties("events").get(EVENT_IDS) == HASHED
    change = KeyChange(former, chain_of(secrets), hashes)
    _require_former_key(store, change)
    _write_secret(file, change.new)
    return change


def _require_former_key(store: TableStore, change: KeyChange) -> None:
    """Raise ConfigError where the tables have neither the former key nor a part of this change."""
    known = [store.properties(name) for name in WITH_PSEUDONYMS if store.exists(name)]
    goes_on = {properties.get(KEY_CHANGE, "") for properties in known} - {""}
    if {properties.get(KEY_FINGERPRINT) for properties in known} == {fingerprint_of(change.new)}:
        raise ConfigError("the tables have this key already; set paths.hmac_key_file to its file")
    if not goes_on:
        require_known_key(store, change.former)
    elif goes_on != {fingerprint_of(change.new)}:
        raise ConfigError(
            f"a change to the key with fingerprint {', '.join(goes_on)} was begun and not finished; run it "
            "again with its file first"
        )


def _write_secret(file: str, key: bytes) -> None:
    """Write a key so that it is whole and nobody else reads it."""
    part = Path(f"{file}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)


def _rewritten(store: TableStore, name: str, change: KeyChange) -> bool:
    """Rewrite a table where it holds something of users; tell whether it does."""
    columns = store.contract(name).columns
    if is_rewritten(store, name, change.name):
        return True
    with log_context(table=name):
        if name == PARTIALS:
            return _partials_anew(store, change)
        frame = read_table(store.spark, store.config.paths.tables, name)
        if name == QUARANTINE:
            frame = resealed_rows(frame, change.former, change.new)
        elif name == FORGOTTEN:
            frame = frame.withColumn("digest", forgotten_again(F.col("digest"), change.secret))
        elif "user_id" in columns:
            frame = _with_new_ids(frame, change)
        elif "event_id" in columns:
            made = _made_ids(store, change)
            if not change.hashes_events and made.isEmpty():
                return False
            frame = _with_new_event_ids(frame, made, change)
        else:
            return False
        rewrite(store, name, frame, REASON, once=change.name)
        log("a table has the new key", table=name)
        return True


def _with_new_ids(frame: DataFrame, change: KeyChange) -> DataFrame:
    """Return rows with new pseudonyms, and new ids of sessions and events that are made of them."""
    staged = frame.withColumn("_user", pseudonymise(F.col("user_id"), change.secret))
    changed: dict[str, Column] = {"user_id": F.col("_user")}
    if "event_id" in frame.columns:
        staged = staged.withColumn("_given", _new_given_id(F.col("event_id"), change))
        was_made = F.col("event_id") == natural_event_id(*_natural("user_id"))
        made = natural_event_id(*_natural("_user"))
        changed["event_id"] = F.when(was_made, made).otherwise(F.col("_given"))
    if "session_id" in frame.columns:
        started = F.unix_micros("session_started_at")
        before, after = (session_id_of(F.col(user), started) for user in ("user_id", "_user"))
        session_id = F.col("session_id")
        changed["session_id"] = F.when(session_id == before, after).otherwise(session_id)
    return staged.withColumns(changed).select(frame.columns)


def _new_given_id(event_id: Column, change: KeyChange) -> Column:
    return hash_event_ids(event_id, change.secret) if change.hashes_events else event_id


def _made_ids(store: TableStore, change: KeyChange) -> DataFrame:
    """Return the event ids that are made of pseudonyms, and what they become: ``event_id``, ``_made``."""
    frames = []
    for name in tables_with(store, "user_id", "event_id"):
        frame = store.read(name).select("event_id", "user_id", "song_id", "played_at")
        made = frame.where(F.col("event_id") == natural_event_id(*_natural("user_id")))
        new = made.withColumn("_user", pseudonymise(F.col("user_id"), change.secret))
        frames.append(new.select("event_id", natural_event_id(*_natural("_user")).alias("_made")))
    none = store.spark.createDataFrame([], "event_id string, _made string")
    return reduce(DataFrame.unionByName, frames, none).distinct()


def _natural(user: str) -> tuple[Column, Column, Column]:
    return F.col(user), F.col("song_id"), F.col("played_at")


def _with_new_event_ids(frame: DataFrame, made: DataFrame, change: KeyChange) -> DataFrame:
    """Return rows that know their event alone with its new id."""
    given = _new_given_id(F.col("event_id"), change)
    staged = frame.withColumn("_given", given).join(made, "event_id", "left")
    return staged.withColumn("event_id", F.coalesce("_made", "_given")).select(frame.columns)


def _partials_anew(store: TableStore, change: KeyChange) -> bool:
    """Build the aggregates of users anew, whose keys are hashes of pseudonyms."""
    if is_rewritten(store, "events", change.name):
        return False  # it was done before the events were
    days = sorted(row["dt"] for row in store.read(PARTIALS).select("dt").distinct().collect())
    for day in days:
        partials_anew(store, day, _with_new_ids(store.read("events", [day]), change), REASON)
    return bool(days)


def _warn_of_features(store: TableStore) -> None:
    of_users = [feature.name for feature in store.config.features if feature.source_column == "user_id"]
    if of_users:
        warn(
            "a feature is made of pseudonyms: the champion knows the former ones and must be trained anew",
            features=of_users,
        )
