"""Reading the published weights with Spark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.core.dates import parse_moment
from uae_model.core.errors import InputError
from uae_model.lake import read_table, table_path
from uae_model.readers.days import COLUMNS, PUBLISHED, RequestedDays, choose_days, requested_days
from uae_model.readers.delta_log import UnreadableTableError
from uae_model.readers.sources import publications_at, require_sources
from uae_model.readers.spark_storage import log_of


def weight_publications(publications: DataFrame, *, status: str | None = PUBLISHED) -> DataFrame:
    """Return the rows of table ``publications`` that are about weights, with any status where it is None."""
    rows = publications.where(F.col("table_name") == "weights")
    return rows if status is None else rows.where(F.col("status") == status)


def read_weights(
    spark: SparkSession,
    tables: str,
    first: date | str | None = None,
    last: date | str | None = None,
    *,
    latest: int | None = None,
    as_of: datetime | str | None = None,
    without_accepted: bool = False,
) -> DataFrame:
    """Return the published weights from ``first`` to ``last`` (or of ``first`` alone), or of the newest days.

    Every day has the rows of the Delta version that its publication pins, so a night that is being written,
    or one that failed a check, is never seen.

    Args:
        spark: a session with the Delta extension.
        tables: the folder or URI of the tables (``paths.tables`` of the producing job).
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        latest: in place of ``first`` and ``last``: so many of the newest published days, or as many as there
            are.
        as_of: a moment (ISO 8601; without an offset UTC): the rows that were published then.
        without_accepted: refuse days with failed checks that a person accepted (``uae publish --accept``).

    Raises:
        InputError: naming the days of the range that are not published, or that have accepted failures.
        ContractError: naming a day whose files are gone, and what mends it; if there is no such folder of
            tables, it says which tables and days are near.
    """
    wanted = requested_days(first, last, latest)
    moment = None if as_of is None else parse_moment(as_of)
    rows = _publication_rows(spark, tables, wanted, moment)
    days = choose_days(rows, wanted, without_accepted=without_accepted, as_of=moment)
    days_by_version: dict[int, list[date]] = defaultdict(list)
    for day, version in _versions(spark, tables, {day.day: day.delta_version for day in days}, moment):
        days_by_version[version].append(day)
    parts = [
        read_table(spark, tables, "weights", days, version=version)
        for version, days in sorted(days_by_version.items())
    ]
    weights = parts[0]
    for part in parts[1:]:
        weights = weights.unionByName(part, allowMissingColumns=True)  # a feature may be newer than a day
    return weights


def read_side_scores(
    spark: SparkSession,
    tables: str,
    first: date | str,
    last: date | str | None = None,
    *,
    model_version: int,
) -> DataFrame:
    """Return days scored with a pair of models beside the champion (``uae score --model-version``).

    They are not published: no check has judged them. The columns are those of ``weights``.

    Args:
        spark: a session with the Delta extension.
        tables: the folder or URI of the tables.
        first: first day, a date or ``YYYY-MM-DD``.
        last: last day, included.
        model_version: of the attention model.

    Raises:
        InputError: naming a day that this version has not scored.
    """
    days = requested_days(first, last).named
    scores = read_table(spark, tables, "scores_side", days).where(
        F.col("attention_model_version") == F.lit(model_version)
    )
    scored = {row["dt"] for row in scores.select("dt").distinct().collect()}
    missing = next((day for day in days if day not in scored), None)
    if missing is not None:
        raise InputError(
            f"attention model {model_version} has not scored {missing}; run uae score --date {missing} "
            f"--model-version {model_version} first"
        )
    return scores


def _publication_rows(
    spark: SparkSession, tables: str, wanted: RequestedDays, moment: datetime | None
) -> list[dict[str, Any]]:
    """Return the publications of the wanted days; of all where some are missing: the error tells them."""
    log = log_of(spark, table_path(tables, "publications"))
    version = None if moment is None else publications_at(log, moment)[0]
    publications = weight_publications(read_table(spark, tables, "publications", version=version))
    columns = [name for name in COLUMNS if name in publications.columns]
    in_range = publications.where(F.col("dt").isin(wanted.named)) if wanted.named else publications
    rows = in_range.select(*columns).collect()
    if wanted.missing({row["dt"] for row in rows}):
        rows = publications.select(*columns).collect()
    return [row.asDict() for row in rows]


def _versions(
    spark: SparkSession, tables: str, pinned: Mapping[date, int], moment: datetime | None
) -> Iterable[tuple[date, int]]:
    """Return the version of ``weights`` at which each day is read."""
    try:
        log = log_of(spark, table_path(tables, "weights"))
        return [(source.day, source.version) for source in require_sources(log, pinned, as_of=moment)]
    except UnreadableTableError:  # another hand gave the table what Delta alone can follow
        return pinned.items()
