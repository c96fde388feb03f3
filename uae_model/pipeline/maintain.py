"""Maintenance: what keeps tables and folders from growing with every night.

Rows of days past ``retention`` expire, small files of closed days are written together, files that no version
within retention needs are removed, and so is what trainings left. What is published stays as it is, and no
day is built anew: the memory keeps what it knows of expired days, and a compaction changes none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from uae_model.core.any_storage import storage_usage
from uae_model.core.dates import ranges_of
from uae_model.core.locks import alone_in
from uae_model.core.logs import log, log_context
from uae_model.core.usage import Usage
from uae_model.lake import TABLES, TableStore
from uae_model.lake.maintenance import (
    TableWork,
    carry_out,
    table_usage,
    table_work,
    vacuum,
    vacuum_would_free,
)
from uae_model.pages.markdown import markdown_table
from uae_model.pipeline.leftovers import (
    Leftover,
    old_checkpoints,
    old_snapshots,
    remove_unless_locked,
)
from uae_model.pipeline.step import days_in_reach
from uae_model.snapshot.own_folder import remove_folder

HEADER = ("what", "work", "files before", "after", "bytes before", "after", "freed")
LOCK_FOLDER = "_maintenance"
"""Folder beside the tables whose lock a maintenance holds."""


@dataclass(frozen=True)
class Maintained:
    """What was done to a table or folder.

    Attributes:
        name: the table or folder.
        before: what lay there.
        after: what lies there now; in a dry run, what would, without the files that a compaction writes.
        freed: what was removed for good.
        work: what was done, in words.
    """

    name: str
    before: Usage
    after: Usage
    freed: Usage
    work: tuple[str, ...] = ()


def maintain(store: TableStore, *, dry_run: bool = False, now: datetime | None = None) -> list[Maintained]:
    """Maintain all tables, then the folders of trainings; return what was done to each.

    Args:
        store: the tables, and the settings that say where the rest lies.
        dry_run: whether nothing is written and only told what would be done.
        now: the moment from which ages of folders count; the present by default.

    Raises:
        AnotherRunError: if another maintenance of these tables is going on.
    """
    moment = now or datetime.now(UTC)
    if dry_run:
        return list(_maintained(store, moment, dry_run=True))
    lock = f"{store.config.paths.tables.rstrip('/')}/{LOCK_FOLDER}"
    with alone_in(lock, "maintenance"), store.states.kept():
        return list(_maintained(store, moment, dry_run=False))


def as_table(lines: Sequence[Maintained]) -> str:
    """Return what was done as a table in Markdown."""
    return markdown_table(HEADER, [_cells(line) for line in lines], labels=2)


def summary(lines: Sequence[Maintained], *, dry_run: bool) -> dict[str, object]:
    """Return the sums of all lines."""
    before, after, freed = (
        sum((getattr(line, name) for line in lines), Usage()) for name in ("before", "after", "freed")
    )
    return {
        "dry_run": dry_run,
        "files_before": before.files,
        "files_after": after.files,
        "files_freed": freed.files,
        "bytes_before": before.size,
        "bytes_after": after.size,
        "bytes_freed": freed.size,
    }


def _cells(line: Maintained) -> list[str]:
    numbers = (line.before.files, line.after.files, line.before.size, line.after.size, line.freed.size)
    return [line.name, "; ".join(line.work) or "nothing", *(f"{number:,}" for number in numbers)]


def _maintained(store: TableStore, now: datetime, *, dry_run: bool) -> Iterator[Maintained]:
    last = last_published(store)
    for name in TABLES:
        if store.exists(name):
            with log_context(table=name):
                yield _table(store, name, last, dry_run=dry_run)
    yield _folder(store, "snapshots", old_snapshots(store.config, now), dry_run=dry_run)
    yield _folder(store, "checkpoints", old_checkpoints(store.config, now), dry_run=dry_run)
    yield from _runs(store, now, dry_run=dry_run)


def last_published(store: TableStore) -> date | None:
    """Return the newest published day, from which ages of rows count; None where nothing is published."""
    published = [state.unit.day for state in store.states.of_table("publications") if state.is_accepted]
    return max(published, default=None)


def _table(store: TableStore, name: str, last: date | None, *, dry_run: bool) -> Maintained:
    before = table_usage(store, name)
    days = store.config.retention.days_of_rows(name)
    first_kept = None if last is None or days is None else last - timedelta(days=days - 1)
    closed_before = None if last is None else days_in_reach(last, store.config)[0]
    work = table_work(store, name, first_kept, closed_before)
    if dry_run:
        freed = vacuum_would_free(store, name)
        return Maintained(name, before, before - freed, freed, _in_words(work))
    store.renew_properties(name)  # a changed retention holds from now on
    carry_out(store, work)
    if work.expired:
        store.states.of_table(name)  # reads the commit, so that the memory is kept
    freed = vacuum(store, name)
    maintained = Maintained(name, before, table_usage(store, name), freed, _in_words(work))
    log("table maintained", files_freed=freed.files, bytes_freed=freed.size, work=maintained.work)
    return maintained


def _in_words(work: TableWork) -> tuple[str, ...]:
    expired = [
        f"{first}" if first == last else f"{first} to {last}" for first, last in ranges_of(work.expired)
    ]
    return (
        *([f"rows of {', '.join(expired)} expired"] if expired else []),
        *([f"{work.compacted} small files written together"] if work.compacted else []),
    )


def _folder(store: TableStore, name: str, old: list[Leftover], *, dry_run: bool) -> Maintained:
    location = getattr(store.config.paths, name)
    before = storage_usage(location)
    remove = remove_unless_locked if name == "checkpoints" else _remove
    removed = [leftover for leftover in old if dry_run or remove(leftover)]
    freed = sum((leftover.usage for leftover in removed), Usage())
    after = before - freed if dry_run else storage_usage(location)
    work = (f"{len(removed)} folders removed",) if removed else ()
    for leftover in removed:
        log("old folder removed", path=leftover.path, used_at=leftover.used_at, dry_run=dry_run)
    return Maintained(name, before, after, freed, work)


def _remove(leftover: Leftover) -> bool:
    remove_folder(leftover.path)
    return True


def _runs(store: TableStore, now: datetime, *, dry_run: bool) -> Iterator[Maintained]:
    """Yield what was done about runs that never ended; nothing where there is no registry."""
    from uae_model.registry.opening import open_registry

    config = store.config
    if open_registry(config) is None:
        return
    from uae_model.registry.dead_runs import dead_runs, remove_run, run_usage

    dead = dead_runs(config, now - timedelta(days=config.retention.training_days))
    before = sum((run_usage(run) for run in dead), Usage())
    if not dry_run:
        for run in dead:
            remove_run(config, run)
            log("run that never ended removed", run_id=run.info.run_id)
    work = (f"{len(dead)} runs removed",) if dead else ()
    yield Maintained("runs that never ended", before, Usage(), before, work)
