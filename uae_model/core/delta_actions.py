"""What the actions of a Delta commit say, for readers of logs with and without Spark.

Source: Delta's PROTOCOL.md, "Add File and Remove File".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def days_with_other_rows(actions: Iterable[Mapping[str, Any]]) -> Iterator[str | None]:
    """Yield the value of the partition ``dt`` of each file that changed rows; None for a file without one.

    OPTIMIZE and other commits that only move rows into other files (``dataChange`` is false) change no day.
    """
    for action in actions:
        file = action.get("add") or action.get("remove")
        if file and file["dataChange"]:
            yield (file.get("partitionValues") or {}).get("dt")
