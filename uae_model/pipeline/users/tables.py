"""Which tables hold what of users, and what lies beside the tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from pyspark.sql import DataFrame

from uae_model.config import Config
from uae_model.core.any_storage import filesystem_of
from uae_model.core.logs import log
from uae_model.features.aggregates import partials_of_day
from uae_model.lake import TABLES, TableStore
from uae_model.lake.maintenance import vacuum_everything
from uae_model.lake.rewrites import replace_day_quietly
from uae_model.sessions.cut import bots_of_day
from uae_model.snapshot.own_folder import remove_folder

PARTIALS, QUARANTINE = "feature_partials", "quarantine"
"""Tables with rows of users that have no column of their ids."""

COPIES = re.compile(r"plays-v\d+-[0-9a-f]+|evaluation-[0-9a-f]+")
"""Folders of ``paths.snapshots`` that hold rows of plays: training snapshots and plays of evaluations."""


def tables_with(store: TableStore, *wanted: str, without: str = "") -> list[str]:
    """Return the tables that have these columns, and not another: what is built from one comes before it."""
    held = [name for name in TABLES if store.exists(name)]
    columns = {name: store.contract(name).columns for name in held}
    return [
        name for name in reversed(held) if set(wanted) <= set(columns[name]) and without not in columns[name]
    ]


def tables_of_users(store: TableStore) -> list[str]:
    """Return the tables that hold rows of users, in the order in which they are built."""
    names = {*tables_with(store, "user_id"), *tables_with(store, "event_id"), PARTIALS, QUARANTINE}
    return [name for name in TABLES if name in names and store.exists(name)]


def vacuum(store: TableStore) -> tuple[str, ...]:
    """Remove the old versions of the tables that hold rows of users; return the tables.

    What is published stays readable: table ``weights`` holds no other rows of its days, and readers take them
    from its newest version.
    """
    names = tables_of_users(store)
    for name in names:
        vacuum_everything(store, name)
        log("old versions are removed", table=name)
    return tuple(names)


def partials_anew(store: TableStore, day: date, events: DataFrame, reason: str) -> None:
    """Build the aggregates of a day anew from its changed events, as a rewrite.

    Where no feature is an aggregate any more, nothing reads them: they go, and are built when something does.
    """
    if store.config.features.of_origin("aggregate"):
        rows = partials_of_day(events, bots_of_day(events, day, store.config), store.config)
        replace_day_quietly(store, PARTIALS, day, rows, reason)
    else:
        store.drop_day(PARTIALS, day, {"step": reason})


def follow_all(store: TableStore) -> None:
    """Let the memory read the logs of all tables, before commits that it shall carry over."""
    for name in TABLES:
        store.states.of_table(name)


def remove_copies(config: Config) -> list[str]:
    """Remove training snapshots and plays of evaluations; return their folders' names.

    All of them, whoever is in them: they are written anew from the tables when they are needed.
    """
    removed = []
    for name, folder in _copies(config):
        remove_folder(folder)
        log("a copy of plays is removed", folder=folder)
        removed.append(name)
    return removed


def _copies(config: Config) -> Iterator[tuple[str, str]]:
    filesystem, root = filesystem_of(config.paths.snapshots)
    if not filesystem.exists(root):
        return
    for path in sorted(str(entry).rstrip("/") for entry in filesystem.ls(root, detail=False)):
        name = path.rsplit("/", 1)[1]
        if COPIES.fullmatch(name):
            yield name, filesystem.unstrip_protocol(path)
