"""What a table promises, whichever it is; the contracts of all tables are in ``uae_model.lake.contracts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pyspark.sql import types as T  # noqa: N812 - the usual name of pyspark's types


@dataclass(frozen=True, kw_only=True)
class TableContract:
    """A table's promise to its readers; ``partition`` is None where rows belong to no day.

    ``skip_by`` names the columns by which readers skip files within a day, so that these are never written
    together; of a table that ``is_pinned`` readers read old versions, as publications name them.
    """

    name: str
    purpose: str
    schema: T.StructType
    key: tuple[str, ...]
    retention_days: int
    constraints: dict[str, str] = field(default_factory=dict)
    partition: str | None = "dt"
    skip_by: tuple[str, ...] = ()
    is_pinned: bool = False

    @property
    def columns(self) -> list[str]:
        """Column names in their order."""
        return self.schema.fieldNames()

    def unknown_columns(self, columns: Sequence[str]) -> list[str]:
        """Return those of a table's columns that the contract does not name."""
        return [name for name in columns if name not in self.columns]

    @property
    def is_compacted(self) -> bool:
        """Whether maintenance writes small files together.

        Those of pinned versions would lie there twice, until their long retention is over.
        """
        return not self.skip_by and not self.is_pinned

    def properties(self) -> dict[str, str]:
        """Delta table properties; deletion vectors and column mapping stay off for delta-rs and petastorm.

        Least and greatest values are kept of the columns in ``skip_by`` alone: Delta's default, of every
        column, takes a quarter of the time of a write, and days are found by partition. A write gathers what
        its tasks made into few files, where readers do not skip them one by one.
        """
        interval = f"interval {self.retention_days} days"
        statistics = (
            {"delta.dataSkippingStatsColumns": ",".join(self.skip_by)}
            if self.skip_by
            else {"delta.dataSkippingNumIndexedCols": "0"}
        )
        return {
            **statistics,
            "delta.autoOptimize.optimizeWrite": "false" if self.skip_by else "true",
            "delta.deletedFileRetentionDuration": interval,
            "delta.logRetentionDuration": interval,
            "delta.enableDeletionVectors": "false",
            "delta.columnMapping.mode": "none",
        }
