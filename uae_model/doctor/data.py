"""Checks of tables and feed, with Spark; they read and never create."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.core.dates import midnight
from uae_model.core.errors import ConfigError, InputError
from uae_model.doctor.finding import Finding, failed, ok, warning
from uae_model.ingest.check import check_first_file
from uae_model.ingest.feed import Feed, Slot
from uae_model.ingest.keys import fingerprint_of, read_key
from uae_model.ingest.known_key import WITH_PSEUDONYMS, require_known_key, unrecorded
from uae_model.lake import TABLES, UNKNOWN_COLUMN_REMEDY, TableStore, read_table
from uae_model.readers.spark import weight_publications
from uae_model.readers.spark_storage import damage_of
from uae_model.sessions.cut import closing_time

FIRST_ROWS = 1000
"""How many rows of one file of the feed are judged."""

SHOWN_REASONS = 3

SHOWN_DAYS = 5
"""Damaged days that are told with what is wrong; the others are only named."""

LOOK_BACK_DAYS = 400
"""How far back the newest slot of the feed is looked for where nothing is published yet."""


def check_data(store: TableStore, today: date | None = None) -> list[Finding]:
    """Return the findings about each table, the feed and how far publication has come.

    Args:
        store: the tables.
        today: where the search for the newest slot starts; the present UTC day by default.
    """
    feed = Feed(store.spark, store.config)
    published = last_published(store)
    now = today or datetime.now(UTC).date()
    newest = newest_slot(feed, published, now)
    return [
        *[check_table(store, name) for name in TABLES if is_expected(name, store)],
        *_check_key(store),
        _check_feed(store, feed, newest),
        *([_check_rows(store, newest)] if newest is not None else []),
        *[_check_dimension_feed(store, dimension, now) for dimension in store.config.dimensions],
        _check_published(store, published, newest),
        *([check_published_files(store)] if published is not None else []),
    ]


def is_expected(name: str, store: TableStore) -> bool:
    """Tell whether a table belongs to the configuration; one that is there is always checked."""
    config = store.config
    wanted = {
        "truth": False,
        **dict.fromkeys(("forgotten", "refusals", "scores_side"), False),
        "feature_partials": bool(config.features.of_origin("aggregate")),
        "features": bool(config.features.joined),
        **{name: name in {dimension.table for dimension in config.dimensions} for name in ("users", "songs")},
        "feature_health": config.publication.feature_health,
    }
    return wanted.get(name, True) or store.exists(name)


def check_table(store: TableStore, name: str) -> Finding:
    """Compare a table with its contract."""
    check = f"table {name}"
    if not store.exists(name):
        return warning(check, f"not at {store.path(name)} yet", "the first uae nightly creates it")
    contract = store.contract(name)
    table = read_table(store.spark, store.config.paths.tables, name)
    actual = {field.name: field.dataType for field in table.schema.fields}
    wrong = [
        f"{field.name} is {actual[field.name].simpleString()}, not {field.dataType.simpleString()}"
        for field in contract.schema.fields
        if field.name in actual and actual[field.name] != field.dataType
    ]
    if wrong:
        return failed(check, "; ".join(wrong), "rename the feature, or use a new paths.tables")
    missing = [column for column in contract.columns if column not in actual]
    if missing:
        return warning(check, f"has no column {', '.join(missing)}", "the next run adds it")
    unknown = contract.unknown_columns(list(actual))
    if unknown:
        return warning(
            check, f"has a column {', '.join(unknown)}, which its contract lacks", UNKNOWN_COLUMN_REMEDY
        )
    return ok(check, f"version {store.latest_version(name)}, {len(actual)} columns as its contract says")


def last_published(store: TableStore) -> date | None:
    """Return the newest published day of weights."""
    if not store.exists("publications"):
        return None
    rows = weight_publications(store.read("publications"))
    newest: date | None = rows.agg(F.max("dt")).collect()[0][0]
    return newest


def check_published_files(store: TableStore) -> Finding:
    """Open every file that readers of the published days are led to, and count its rows."""
    check = "published files"
    columns = ("dt", "delta_version", "row_count")
    rows = weight_publications(store.read("publications")).select(*columns).collect()
    pinned, expected = ({row["dt"]: row[name] for row in rows} for name in columns[1:])
    problems = damage_of(store.spark, store.path("weights"), pinned, expected)
    if not problems:
        return ok(check, f"all files of {len(pinned)} {'day' if len(pinned) == 1 else 'days'} can be read")
    days = sorted(problems)
    named = "; ".join(f"{day}: {problems[day]}" for day in days[:SHOWN_DAYS])
    others = "".join(f", {day}" for day in days[SHOWN_DAYS:])
    told = f"{len(days)} of {len(pinned)} published days cannot be read: {named}{others}"
    return failed(check, told, "run uae publish --date D --rebuild for each of these days")


def newest_slot(feed: Feed, published: date | None, today: date) -> Slot | None:
    """Return the newest complete slot of the feed.

    From the last published day on the feed is followed up to its first gap; without one it is searched
    from today backwards.
    """
    if feed.is_static:
        slot = feed.slots(today)[0]
        return slot if feed.is_complete(slot) else None
    if published is not None:
        until = midnight(max(today, published) + timedelta(days=2))
        followed = list(feed.complete_slots(published, until))
        if followed:
            return followed[-1]
    for back in range(-1, LOOK_BACK_DAYS):
        for slot in reversed(feed.slots(today - timedelta(days=back))):
            if feed.is_complete(slot):
                return slot
    return None


def _check_key(store: TableStore) -> list[Finding]:
    """Compare the key with that of the tables; what is wrong with the key itself is told with the set-up."""
    present = [name for name in WITH_PSEUDONYMS if store.exists(name)]
    try:
        key = read_key(store.config)
    except (ConfigError, OSError):
        return []
    if not present:
        return []
    check = "key of the tables"
    try:
        require_known_key(store, key)
    except ConfigError as error:
        return [failed(check, str(error), "no night writes anything until then")]
    unknown = unrecorded(store)
    if unknown:
        told = f"{', '.join(unknown)} of a former version do not say of which key their pseudonyms are"
        return [warning(check, told, "the next night takes the present key as theirs")]
    return [ok(check, f"fingerprint {fingerprint_of(key)}, as {', '.join(present)} have it")]


def _check_feed(store: TableStore, feed: Feed, newest: Slot | None) -> Finding:
    template = store.config.paths.feed
    marker = store.config.feed.complete_marker
    if newest is None:
        needs = "" if feed.is_static or not marker else f" with the marker {marker}"
        return warning(
            "feed", f"no complete slot at {template}{needs}", "check paths.feed and feed.complete_marker"
        )
    return ok("feed", f"complete up to {newest.name}")


def _check_rows(store: TableStore, newest: Slot) -> Finding:
    """Read the first rows of one file, as ingest would."""
    try:
        seen = check_first_file(store.spark, store.config, newest, FIRST_ROWS)
    except InputError as error:
        return failed("rows of the feed", str(error), "mend the file or the settings that it names")
    share = seen.quarantined / seen.rows if seen.rows else 0.0
    columns = f"columns {', '.join(seen.fit) or 'none'}" + (
        f"; empty or missing: {', '.join(seen.missing)}" if seen.missing else ""
    )
    told = f"{seen.rows} rows of one file of {newest.name}: {columns}; {share:.1%} would be quarantined"
    if not seen.quarantined:
        return ok("rows of the feed", told)
    kinds = ", ".join(f"{reason} ({count})" for reason, count in list(seen.reasons.items())[:SHOWN_REASONS])
    return warning("rows of the feed", f"{told}: {kinds}", "uae check --date D looks at a whole day")


def _check_dimension_feed(store: TableStore, dimension: Dimension, today: date) -> Finding:
    """Tell how far a dimension's feed has come; a gap in it stops no night, so gaps are not reported."""
    newest = newest_slot(Feed(store.spark, store.config, dimension), None, today)
    check = f"feed of {dimension.table}"
    if newest is None:
        return warning(
            check,
            f"no complete slot at {dimension.feed}; its attributes are unknown for every play",
            "check dimensions.feed and feed.complete_marker",
        )
    return ok(check, f"complete up to {newest.name}")


def _check_published(store: TableStore, published: date | None, newest: Slot | None) -> Finding:
    closed = _last_closed(store, newest)
    if published is None:
        return warning("published", "no day yet", "run uae backfill, or uae nightly for one day")
    if closed is None or closed <= published:
        return ok("published", f"last day {published}")
    waiting = (closed - published).days
    first = published + timedelta(days=1)
    return warning(
        "published",
        f"last day {published}; {waiting} more {'day is' if waiting == 1 else 'days are'} closed",
        f"run uae backfill --from {first} --to {closed}",
    )


def _last_closed(store: TableStore, newest: Slot | None) -> date | None:
    """Return the newest day whose sessions the delivered feed closes."""
    if newest is None or newest.ends is None or newest.day is None:
        return None
    days = [newest.day - timedelta(days=back) for back in range(3)]
    return next((day for day in days if closing_time(day, store.config) <= newest.ends), None)
