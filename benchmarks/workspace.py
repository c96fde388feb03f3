"""Where a benchmark keeps its input, and the Spark session and configuration that its own code runs under."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType

from pyspark.sql import DataFrame, SparkSession

from benchmarks.events import DAY, write_events
from uae_model.config import Config, load_config
from uae_model.lake import TableStore, contract_for
from uae_model.lake.spark import SPARK_CONF_FOLDER, start_spark
from uae_model.sessions.cut import bots_of_day, events_of_day, open_sessions, plays_of_day
from uae_model.snapshot.manifest import Manifest, load_manifest
from uae_model.snapshot.write import write_snapshot

VALIDATION_DAY = DAY + timedelta(days=1)


def benchmark_config(folder: Path) -> Config:
    """Return the default configuration with its paths in the benchmark's folder."""
    paths = {"tables": "tables", "snapshots": "snapshots", "checkpoints": "checkpoints"}
    return load_config(None, overrides=[f'paths.{name}="{folder / path}"' for name, path in paths.items()])


@contextmanager
def spark_session(
    folder: Path, master: str, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[SparkSession]:
    """Run local.conf, and ``settings`` over it, on ``master``; scratch files stay in the folder."""
    conf = folder / "spark.conf"
    lines = {
        "spark.master": master,
        "spark.local.dir": folder / "spark-local",
        "spark.sql.warehouse.dir": folder / "spark-warehouse",
        **settings,
    }
    conf.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
    spark = start_spark("benchmark", [SPARK_CONF_FOLDER / "local.conf", conf])
    try:
        yield spark
    finally:
        spark.stop()


def sessions_of_day(
    spark: SparkSession, events_path: Path, day: date, config: Config, *, about_rows: int
) -> DataFrame:
    """Return the plays of ``day`` from a folder of events, as the sessions step builds them.

    There is no day before, so no session is open at midnight. ``about_rows`` is as for ``plays_of_day``.
    """
    events = events_of_day(spark.read.parquet(str(events_path)), day, config)
    bots = bots_of_day(events, day, config)
    no_plays = spark.createDataFrame([], contract_for("plays", config).schema)
    still_open = open_sessions(no_plays, day, config)
    return plays_of_day(events, still_open, bots, day, config, about_rows=about_rows)


def write_plays(store: TableStore, events_path: Path, users: int, day: date) -> None:
    """Write a day of the ``plays`` table from synthetic events of ``users`` users."""
    about_rows = write_events(events_path, users, day, seed=1)
    plays = sessions_of_day(store.spark, events_path, day, store.config, about_rows=about_rows)
    store.replace_day("plays", day, plays, {"step": "benchmark"}, about_rows=about_rows)


def make_snapshot(folder: Path, users: int, validation_users: int) -> None:
    """Write a training snapshot of one day, with a validation day, as ``uae train`` does."""
    config = benchmark_config(folder)
    with spark_session(folder, "local[*]") as spark:
        store = TableStore(spark, config)
        write_plays(store, folder / "events", users, DAY)
        write_plays(store, folder / "validation-events", validation_users, VALIDATION_DAY)
        write_snapshot(store, [DAY], [VALIDATION_DAY])


def snapshot_of(folder: Path) -> Manifest:
    """Return the manifest of the one snapshot that ``make_snapshot`` wrote.

    Raises:
        FileNotFoundError: if there is none.
    """
    for root in (folder / "snapshots").glob("*"):
        manifest = load_manifest(str(root))
        if manifest is not None:
            return manifest
    raise FileNotFoundError(f"no completed snapshot under {folder}; prepare the benchmark first")


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Return ``folder`` filled by ``make``; a folder that is complete already is kept."""
    done = folder / "_COMPLETE"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        done.touch()
    return folder


def emptied(folder: Path) -> Path:
    """Return the folder without what an earlier run left in it; the folder itself is gone, too."""
    shutil.rmtree(folder, ignore_errors=True)
    return folder


def count_rows(files: str) -> int:
    """Return the number of rows in the Parquet files that a pattern names."""
    import duckdb  # the measured jobs, which import this module as well, do without

    rows = duckdb.execute(f"SELECT count(*) FROM '{files}'").fetchall()
    return int(rows[0][0])
