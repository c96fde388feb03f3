"""The Delta jars: which ones, and resolving them once into the environment.

Delta's POM drags in a second parquet, hadoop, jackson and log4j (33 jars, 87 MB) beside those that
Spark ships; without them 8 jars, 13 MB remain.
"""

from __future__ import annotations

import importlib.metadata
import shutil
import sys
from pathlib import Path

SCALA_VERSION = "2.13"
"""Of the Spark that PySpark ships."""

DELTA_EXCLUDES = ",".join(
    (
        "org.apache.parquet:*",
        "org.apache.hadoop:*",
        "com.fasterxml.jackson.core:*",
        "com.fasterxml.jackson.datatype:*",
        "org.apache.logging.log4j:*",
        "org.slf4j:*",
        "org.roaringbitmap:*",
        "org.xerial.snappy:*",
        "com.github.luben:*",
        "commons-logging:*",
        "io.airlift:*",
        "org.locationtech.jts:*",
    )
)


def delta_package() -> str:
    """Return the Maven coordinates of the jars that belong to the installed ``delta-spark`` and ``pyspark``.

    Their pins in the requirements are the one place that states the versions.
    """
    spark = ".".join(importlib.metadata.version("pyspark").split(".")[:2])
    return f"io.delta:delta-spark_{spark}_{SCALA_VERSION}:{importlib.metadata.version('delta-spark')}"


def jar_folder() -> Path:
    """Return the folder of this Python environment that holds the resolved jars."""
    return Path(sys.prefix) / "share" / "uae" / "jars"


def resolved_jars() -> list[Path]:
    """Return the jars that set-up resolved; empty where it has not run."""
    return sorted(jar_folder().glob("*.jar"))


def resolve() -> list[Path]:
    """Let Spark's Ivy resolve the jars and copy them into ``jar_folder()``.

    Starting Spark also shows that this Java runs it.
    """
    from pyspark.sql import SparkSession

    ivy = jar_folder().parent / "ivy"
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("uae-set-up")
        .config("spark.jars.packages", delta_package())
        .config("spark.jars.excludes", DELTA_EXCLUDES)
        .config("spark.jars.ivy", str(ivy))
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.stop()
    folder = jar_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for jar in (ivy / "jars").glob("*.jar"):
        shutil.copy2(jar, folder / jar.name)
    shutil.rmtree(ivy)
    return resolved_jars()


if __name__ == "__main__":
    resolve()
