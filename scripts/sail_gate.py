"""Whether Sail, an engine without Java, reads and makes the same rows as Spark (docs/decisions/0016).

Sail and pyarrow read every table of a folder that Spark wrote. Sail makes every day of plays, partial
aggregates, features and scores anew, from the tables that Spark made it from; the rows are compared with
Spark's. One line for each; exit code 1 if one fails. Nothing is written. It takes an environment of its own,
which the decision describes: ``python -m scripts.sail_gate CONFIG``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Config, Dimension, load_config
from uae_model.features.aggregates import features_of_day, partials_of_day
from uae_model.features.columns import plays_with_features
from uae_model.features.dimensions import versions_of, with_attributes
from uae_model.features.dimensions.history import statements_in
from uae_model.lake.contracts import FEED_SLOT, TABLES, contract_for
from uae_model.pipeline.steps.partials import window_days
from uae_model.readers.arrow import read_table_arrow
from uae_model.registry.client import Registry
from uae_model.scoring.udf import score_plays, serialise
from uae_model.sessions import cut
from uae_model.weights.resolution import resolve_weight_function

CLOSE_ENOUGH = 1e-6
"""Of floating point numbers: the last digits of scores follow from which plays share a batch."""


class Tables:
    """What of ``TableStore`` needs no Java: the tables, by their folders."""

    def __init__(self, spark: SparkSession, config: Config) -> None:
        self.spark, self.config = spark, config

    def read(self, name: str, days: Sequence[date] | None = None, *, version: int | None = None) -> DataFrame:
        """Return the rows of a table, or of some days of it."""
        frame = self.spark.read.format("delta").load(f"{self.config.paths.tables}/{name}")
        return frame if days is None else frame.where(F.col("dt").isin(list(days)))

    def versions(self, dimension: Dimension) -> DataFrame:
        """Return the versions of a dimension, made anew of its statements."""
        return versions_of(statements_in(self.read(dimension.table), dimension), dimension)

    def plays(self, day: date) -> DataFrame:
        """Return the plays of the sessions that start on a day."""
        config, read = self.config, self.read("events", cut.event_days(day, self.config)).drop(FEED_SLOT)
        events = cut.events_of_day(read, day, config)
        still_open = cut.open_sessions(self.read("plays", cut.lookback_days(day, config)), day, config)
        return cut.plays_of_day(events, still_open, cut.bots_of_day(events, day, config), day, config)

    def feature_partials(self, day: date) -> DataFrame:
        """Return the partial aggregates of a day of events."""
        events = self.read("events", [day])
        return partials_of_day(events, cut.bots_of_day(events, day, self.config), self.config)

    def features(self, day: date) -> DataFrame:
        """Return the joined features of a day of plays."""
        config = self.config
        dimensions = {dimension.table: self.read(dimension.table) for dimension in config.dimensions}
        plays = with_attributes(self.read("plays", [day]), dimensions, day, config, 1)
        return features_of_day(plays, self.read("feature_partials", window_days(day, config)), day, config, 1)

    def scores(self, day: date) -> DataFrame:
        """Return a day of plays scored by the champion; Spark Connect has no broadcast to carry it."""
        champion = Registry(self.config).champion()
        networks: Any = SimpleNamespace(value=serialise(champion.state))
        weighting = resolve_weight_function(
            self.config.weights, champion.traits, champion.state["calibration"], champion.weight_choice
        )
        plays = plays_with_features(self, [day])  # type: ignore[arg-type]
        return score_plays(plays, networks, weighting, self.config, 1)


def trials(tables: Tables) -> Iterator[tuple[str, str, date | None, Callable[[], DataFrame]]]:
    """Yield what is done, the table with Spark's rows, the day (None: all of it), and how Sail makes them."""
    root = Path(tables.config.paths.tables)
    for name in TABLES:
        if (root / name / "_delta_log").is_dir():
            yield "read", name, None, partial(tables.read, name)
    for dimension in tables.config.dimensions:
        yield "make", dimension.table, None, partial(tables.versions, dimension)
    for rows in (tables.plays, tables.feature_partials, tables.features, tables.scores):
        for folder in sorted((root / rows.__name__).glob("dt=*")):
            day = date.fromisoformat(folder.name.removeprefix("dt="))
            yield "make", rows.__name__, day, partial(rows, day)


def failures(config: Config, name: str, day: date | None, rows: Callable[[], DataFrame]) -> list[str]:
    """Return a line for each column that differs; what Sail cannot do is such a line."""
    expected = read_table_arrow(config.paths.tables, name)
    if day is not None:
        expected = expected.filter(pc.equal(expected["dt"], pa.scalar(day)))
    try:
        actual = rows().toArrow()
    except Exception as error:  # noqa: BLE001 - whatever Sail answers is what the gate tells
        return [f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"]
    if expected.num_rows != actual.num_rows:
        return [f"{actual.num_rows} rows, {expected.num_rows} expected"]
    contract, lines = contract_for(name, config), []
    order = [(column, "ascending") for column in {*contract.key, contract.partition or contract.key[0]}]
    expected, actual = expected.sort_by(order), actual.sort_by(order)
    for column in actual.column_names:
        both = zip(expected[column].to_pylist(), actual[column].to_pylist(), strict=True)
        unlike = [(theirs, ours) for theirs, ours in both if not alike(theirs, ours)]
        if unlike:
            lines.append(f"{column}: {len(unlike)} differ: {unlike[0][1]!r:.90}, not {unlike[0][0]!r:.90}")
    return lines


def alike(one: Any, other: Any) -> bool:
    """Tell whether two values are the same, or numbers that are close enough."""
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= CLOSE_ENOUGH or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def main(arguments: Sequence[str]) -> int:
    """Try everything; return 1 if something failed, 2 without a configuration."""
    if len(arguments) != 1:
        print(f"usage: python -m scripts.sail_gate CONFIG\n\n{__doc__}", file=sys.stderr)
        return 2
    from pysail.spark import SparkConnectServer  # no requirement of this project

    config = load_config(arguments[0])
    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{server.listening_address[1]}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    failed = False
    for done, name, day, rows in trials(Tables(spark, config)):
        lines = failures(config, name, day, rows)
        failed |= bool(lines)
        print(f"{'FAIL' if lines else 'same'}  {done} {name} {day or ''}", *lines, sep="\n      ", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
