"""Java's archive of loaded classes: made once at set-up, mapped at each start instead of loading them anew.

A fifth of the CPU time of a short run is Java reading and checking the classes of Spark. An archive belongs
to one Java and one set of jars; Java itself compares both, and loads as ever where they differ.

Source: JEP 350, dynamic archives of application classes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

QUIET = "-Xlog:cds*=off -Xlog:class+path=off"
"""Java would tell on standard output that an archive does not fit or a class was left out."""


def archive_file() -> Path:
    """Return the file of this Python environment that holds the archive, whether it is there or not."""
    return Path(sys.prefix) / "share" / "uae" / "classes.jsa"


def start_options(file: Path) -> str:
    """Return Java's options that start with an archive; empty where there is none."""
    return f'"-XX:SharedArchiveFile={file}" {QUIET}' if file.is_file() else ""


def write_options(file: Path) -> str:
    """Return Java's options that write an archive at the end of a run."""
    return f'"-XX:ArchiveClassesAtExit={file}" {QUIET}'


def write_archive() -> Path:
    """Write the archive of the classes that a run needs which does what nights do; return its file.

    Raises:
        RuntimeError: if Java wrote no archive.
    """
    file = archive_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    file.unlink(missing_ok=True)  # so that this run does not start with it
    run_once(part)
    if not part.is_file():
        raise RuntimeError(f"Java wrote no archive of classes to {part}")
    part.replace(file)
    return file


def run_once(archive: Path) -> None:
    """Do once what nights do with tables, in a session whose Java writes its classes at its end."""
    from uae_model.lake.spark import SPARK_CONF_FOLDER, start_spark

    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "archive.conf"
        conf.write_text(f"spark.driver.extraJavaOptions -XX:+UseSerialGC {write_options(archive)}\n")
        spark = start_spark("class-archive", [SPARK_CONF_FOLDER / "local.conf", conf])
        do_what_nights_do(spark, f"{folder}/table")
        end_java(spark)


def do_what_nights_do(spark: SparkSession, path: str) -> None:
    """Write, merge, read, compact and clean a small table of plays."""
    plays = spark.range(200).select(
        F.col("id").cast("string").alias("event_id"),
        (F.col("id") % 7).alias("user_id"),
        F.timestamp_seconds(F.col("id") * 60).alias("moment"),
        (F.col("id") % 3).alias("dt"),
    )
    spark.sql(
        f"CREATE TABLE delta.`{path}` (event_id STRING, user_id BIGINT, moment TIMESTAMP, dt BIGINT) "
        "USING delta PARTITIONED BY (dt)"
    )
    plays.write.format("delta").mode("append").save(path)
    one_day = plays.where("dt = 1")
    one_day.write.format("delta").mode("overwrite").option("replaceWhere", "dt = 1").save(path)
    plays.createOrReplaceTempView("plays")
    spark.sql(
        f"MERGE INTO delta.`{path}` old USING plays new ON old.event_id = new.event_id AND old.dt = new.dt "
        "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
    )
    table = spark.read.format("delta").load(path)
    by_user = table.groupBy("user_id").agg(F.count("*").alias("plays"), F.max("moment").alias("last"))
    table.join(by_user, "user_id").dropDuplicates(["event_id"]).orderBy("moment").collect()
    for statement in ("OPTIMIZE", "VACUUM", "DESCRIBE HISTORY"):
        spark.sql(f"{statement} delta.`{path}`").collect()


def end_java(spark: SparkSession) -> None:
    """Stop Spark and wait for its Java process to end, which writes the archive on its way out."""
    gateway = spark.sparkContext._gateway  # noqa: SLF001 - PySpark has no other way
    assert gateway is not None
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


if __name__ == "__main__":
    write_archive()
