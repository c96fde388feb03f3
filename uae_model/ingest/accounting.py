"""What became of the rows of the feed: every row that was read is one of the counts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self


@dataclass(frozen=True)
class SlotCounts:
    """Rows read, and what became of them; what no field counts is the remainder, which has a name as well."""

    REMAINDER: ClassVar[str]
    NOT_READ: ClassVar[frozenset[str]] = frozenset()
    """Counts of rows that the slot does not hold."""

    read: int = 0
    quarantined: int = 0
    forgotten: int = 0

    @property
    def remainder(self) -> int:
        """Rows that gave the table nothing new."""
        counts: dict[str, int] = asdict(self)
        return counts.pop("read") - sum(n for name, n in counts.items() if name not in self.NOT_READ)

    def to_dict(self) -> dict[str, int]:
        """Return all counts."""
        return {**asdict(self), self.REMAINDER: self.remainder}

    @classmethod
    def of(cls, *slots: Mapping[str, Any]) -> Self:
        """Return the counts of some slots together, each as its state holds them."""
        return cls(**{field.name: _total(slots, field.name) for field in fields(cls)})


@dataclass(frozen=True)
class IngestCounts(SlotCounts):
    """Rows of plays: read = quarantined + forgotten + inserted + updated + duplicates.

    Forgotten are rows of users who asked to be (``uae forget``): they are left out.
    Duplicates are rows of events that the table, or another row of the slot, held already. Withdrawn are
    events that the slot brought before and, delivered again, does not hold any more.
    """

    REMAINDER = "duplicates"
    NOT_READ = frozenset({"withdrawn"})

    inserted: int = 0
    updated: int = 0
    withdrawn: int = 0


@dataclass(frozen=True)
class StatementCounts(SlotCounts):
    """Rows of a dimension: read = quarantined + forgotten + added + repeated.

    Added are statements about an entity and a time of which the table had none. Of repeated ones the table,
    or another row of the slot, had both; one that says more than the row there took its place.
    """

    REMAINDER = "repeated"

    added: int = 0


def _total(slots: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(slot.get(name, 0)) for slot in slots)
