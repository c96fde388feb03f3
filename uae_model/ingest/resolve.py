"""One row for each event, whatever the order of arrival.

Two rows of one event are ranked by the priority of their feedback, then by how many columns are filled,
then by a hash of the row. The rank is a total order, so the highest row is the same however the feed is
split or repeated. An event is an id on a day: the same id on another day is another event, whether one slot
brings both or two do.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config
from uae_model.lake.contracts import FEED_SLOT

KEY = ("event_id", "dt")
"""What names an event."""


def highest_ranking(rows: DataFrame, columns: list[str], config: Config) -> DataFrame:
    """Return the highest-ranking row of each event, with these columns, the ``KEY`` among them."""
    row = F.struct(*[F.col(name) for name in columns])
    return rows.groupBy(*KEY).agg(F.max_by(row, _rank("", columns, config)).alias("event")).select("event.*")


def outranks(columns: list[str], config: Config) -> str:
    """Return the SQL condition under which row ``new`` replaces row ``old`` of the same event."""
    new, old = _rank_sql("new.", columns, config), _rank_sql("old.", columns, config)
    return f"{new} > {old}"


def _rank(prefix: str, columns: list[str], config: Config) -> Column:
    return F.expr(_rank_sql(prefix, columns, config))


def _rank_sql(prefix: str, columns: list[str], config: Config) -> str:
    priority = config.labels.priority
    columns = [name for name in columns if name != FEED_SLOT]  # which slot brought a row does not rank it
    cases = " ".join(
        f"WHEN '{feedback}' THEN {len(priority) - place}" for place, feedback in enumerate(priority)
    )
    hashed = ", ".join(f"{prefix}`{name}`" for name in columns)
    filled = " + ".join(f"int({prefix}`{name}` IS NOT NULL)" for name in columns)
    return f"struct(CASE {prefix}feedback {cases} ELSE 0 END, {filled}, xxhash64({hashed}))"
