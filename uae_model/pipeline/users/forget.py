"""Forgetting users: their rows leave every table, copies of plays go, and published days lose them too.

Tables are gone through from what was built last to ``events``, so that a run that ends in between finds by
the rows of the later ones what is left to do, and the same command goes on. The list of who was forgotten is
written first: no ingest brings them back from then on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.errors import UsageError
from uae_model.core.logs import log, log_context
from uae_model.ingest.forgotten import TABLE as FORGOTTEN
from uae_model.ingest.forgotten import forgotten_digests, names_forgotten
from uae_model.ingest.identity import forgotten_hasher, user_hasher
from uae_model.ingest.known_key import known_key
from uae_model.ingest.quarantine import seal_former_rows
from uae_model.ingest.reports import kept
from uae_model.lake import TABLES, TableStore, Unit
from uae_model.lake.rewrites import remove_rows
from uae_model.pipeline.steps.training import training_days
from uae_model.pipeline.users.certificate import Certificate, Remaining, Searched
from uae_model.pipeline.users.publications import publish_again, require_untouched_weights
from uae_model.pipeline.users.tables import (
    PARTIALS,
    QUARANTINE,
    follow_all,
    partials_anew,
    remove_copies,
    tables_of_users,
    tables_with,
    vacuum,
)

REASON = "forget"


@dataclass(frozen=True)
class People:
    """Users who are to be forgotten.

    Attributes:
        digests: their entries in the list.
        users: their pseudonyms, column ``user_id``.
        events: ids and days of their events, columns ``event_id`` and ``dt``.
    """

    digests: tuple[str, ...]
    users: DataFrame
    events: DataFrame


def forget(
    store: TableStore,
    raw_ids: Sequence[str],
    *,
    reference: str | None = None,
    vacuums: bool = False,
    now: datetime | None = None,
) -> Certificate:
    """Forget users; return what was done. The same call again finds nothing more to do.

    Args:
        store: the tables.
        raw_ids: as the feed has them.
        reference: of the request, for the certificate.
        vacuums: whether old versions of the tables are removed at once, which no night may run beside.
        now: the time that the certificate states; the present by default.

    Raises:
        ConfigError: if the key is missing, or is not the one of the tables.
        ContractError: if another hand has changed published rows, which would be published with it.
        UsageError: if nobody is named.
    """
    names = sorted({name.strip() for name in raw_ids} - {""})
    if not names:
        raise UsageError("nobody is named; pass --user ID, or --file FILE with one id a line")
    key, moment = known_key(store), now or datetime.now(UTC)
    require_untouched_weights(store)
    if store.exists(QUARANTINE):
        seal_former_rows(store, key)
    with store.states.kept():
        follow_all(store)
        with _people(store, names, key, moment, reference) as people:
            days = _days_of_plays(store, people)
            searched = tuple(_searched(store, people, key))
        follow_all(store)
        republished = publish_again(store)
    folders = remove_copies(store.config)
    vacuumed = vacuum(store) if vacuums else ()
    certificate = Certificate(
        made_at=moment,
        reference=reference,
        users=len(people.digests),
        digests=people.digests,
        searched=searched,
        folders=tuple(folders),
        republished=tuple(day.isoformat() for day in republished.days),
        withdrawn=tuple(day.isoformat() for day in republished.withdrawn),
        accepted={day.isoformat(): codes for day, codes in republished.accepted.items()},
        vacuumed=vacuumed,
        remaining=tuple(_remaining(store, moment, vacuumed, days)),
    )
    log("users are forgotten", users=len(names), rows=certificate.rows, certificate=certificate.name)
    return certificate


@contextmanager
def _people(
    store: TableStore, names: Sequence[str], key: bytes, moment: datetime, reference: str | None
) -> Iterator[People]:
    """Give the users as tables know them, after noting them in the list."""
    digests = tuple(forgotten_hasher(key)(pd.Series(names)).tolist())
    _note(store, digests, moment, reference)
    pseudonyms = user_hasher(key)(pd.Series(names)).tolist()
    users = store.spark.createDataFrame([(pseudonym,) for pseudonym in pseudonyms], "user_id string")
    theirs = [
        store.read(name).join(users, "user_id", "left_semi").select("event_id", "dt")
        for name in tables_with(store, "user_id", "event_id")
    ]
    none = store.spark.createDataFrame([], "event_id string, dt date")
    with kept(reduce(DataFrame.unionByName, theirs, none).distinct()) as events:
        events.count()  # before the rows that tell of them are gone
        yield People(digests, users, events)


def _note(store: TableStore, digests: Sequence[str], moment: datetime, reference: str | None) -> None:
    new = [digest for digest in digests if digest not in forgotten_digests(store)]
    if not new:
        return
    schema = store.ensure(FORGOTTEN).schema
    rows = store.spark.createDataFrame([(digest, moment, reference) for digest in new], schema)
    store.merge_changes(FORGOTTEN, rows.withColumn("removed", F.lit(False)), {"step": REASON})


def _searched(store: TableStore, people: People, key: bytes) -> Iterator[Searched]:
    """Go through all tables, those built last first; yield what was taken out of each."""
    of_users, of_events = tables_with(store, "user_id"), tables_with(store, "event_id", without="user_id")
    for name in [name for name in reversed(TABLES) if store.exists(name)]:
        removed: dict[date, int] = {}
        with log_context(table=name):
            if name in of_users:
                removed = remove_rows(store, name, people.users, REASON)
            elif name in of_events:
                removed = remove_rows(store, name, people.events.select("event_id").distinct(), REASON)
            elif name == PARTIALS:
                removed = _partials_anew(store, people)
            elif name == QUARANTINE:
                removed = _out_of_quarantine(store, people, key)
        yield Searched(name, sum(removed.values()), len(removed))


def _partials_anew(store: TableStore, people: People) -> dict[date, int]:
    """Build the aggregates of these users' days anew without them; return the rows that went."""
    gone = {}
    theirs = store.read("events").join(people.users, "user_id", "left_semi")
    for day in sorted(row["dt"] for row in theirs.select("dt").distinct().collect()):
        if store.states.get(Unit(PARTIALS, day)) is None:
            continue
        before = store.read(PARTIALS, [day]).count()
        others = store.read("events", [day]).join(people.users, "user_id", "left_anti")
        partials_anew(store, day, others, REASON)
        gone[day] = before - store.read(PARTIALS, [day]).count()
    return gone


def _out_of_quarantine(store: TableStore, people: People, key: bytes) -> dict[date, int]:
    """Take out rows whose text, or the values that show their faults, name one of these users."""
    named = names_forgotten(F.col("raw"), F.col("value"), frozenset(people.digests), key)
    columns = ["dt", "slot", "source", "row"]
    with kept(store.read(QUARANTINE).where(named).select(columns).distinct()) as rows:
        return remove_rows(store, QUARANTINE, rows, REASON)


def _days_of_plays(store: TableStore, people: People) -> frozenset[date]:
    return frozenset(row["dt"] for row in people.events.select("dt").distinct().collect())


def _remaining(
    store: TableStore, moment: datetime, vacuumed: Sequence[str], days: frozenset[date]
) -> Iterator[Remaining]:
    for name in tables_of_users(store):
        if name not in vacuumed:
            until = moment + timedelta(days=store.contract(name).retention_days)
            yield Remaining(
                f"old versions of table {name}", f"the first vacuum after {until:%Y-%m-%d} (uae maintain)"
            )
    trained = sorted(
        state.version
        for state in store.states.of_table("models")
        if days.intersection(day for split in training_days(state.unit.day, store.config) for day in split)
    )
    if trained:
        listed = ", ".join(map(str, trained))
        yield Remaining(
            f"models that were trained on their plays: attention versions {listed} (networks are "
            "numbers, no rows)",
            "they are removed from the registry",
        )
    yield Remaining(
        "sums and means that counted their plays among others: statistics of publications, reports and "
        "evaluations, features of other users' plays",
        "the days are built anew or expire",
    )
    yield Remaining(
        "their digests in table forgotten, which keep them out of what the feed brings",
        "the table is removed",
    )
    yield Remaining("the feed, and what readers copied of published weights", "their owners remove them")
