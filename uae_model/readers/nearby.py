"""What lies where somebody looked for a table in vain: a wrong path is answered with what there is."""

from __future__ import annotations

import re

from uae_model.readers.storage import Storage

DAY_FOLDER = re.compile(r"dt=(\d{4}-\d{2}-\d{2})")


def tables_near(table: str, storage: Storage) -> str:
    """Say which tables there are, and which days were published, where a table is missing or near that place.

    Args:
        table: the folder or URI of the table that is missing.
        storage: that it would lie on.
    """
    root, _, name = table.rpartition("/")
    above = root.rpartition("/")[0]
    places = [root, f"{root}/tables", table]
    if above and not above.endswith(":/"):  # a bucket has nothing above it
        places += [above, f"{above}/tables"]
    for folder in places:
        tables = _tables_in(folder, storage)
        if tables:
            where = "there" if folder == root else f"at {folder}"
            return f"the tables {where} are {', '.join(tables)}{_published(folder, storage)}"
    return f"no table lies at {root or '.'} or near; pass the folder that {name} lies in (paths.tables)"


def _tables_in(folder: str, storage: Storage) -> list[str]:
    """Return the names of the Delta tables in a folder of tables: one that has publications or plays."""
    try:
        names = storage.names(folder)
    except OSError:  # what may not be listed holds nothing to tell; the missing table is the error
        return []
    if not {"publications", "plays", "weights"}.intersection(names):
        return []
    return sorted(name for name in names if storage.names(f"{folder}/{name}/_delta_log"))


def _published(folder: str, storage: Storage) -> str:
    days = sorted(
        match[1] for name in storage.names(f"{folder}/publications") if (match := DAY_FOLDER.fullmatch(name))
    )
    return f"; days with publications: {days[0]} to {days[-1]}" if days else "; no day was published"
