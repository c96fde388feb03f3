"""The jars of Delta and of S3: which ones, and resolving them once into the environment.

Delta's POM drags in a second parquet, hadoop, jackson and log4j (33 jars, 87 MB) beside those that
Spark ships; without them 8 jars, 13 MB remain. Those of S3 are two, 560 MB, for which nobody waits who has no
tables there: ``python -m uae_model.lake.jars s3``.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from uae_model.core.errors import ConfigError

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


def s3_package() -> str:
    """Return the Maven coordinates of Hadoop's S3, in the version of the Hadoop that ``pyspark`` ships.

    Raises:
        ConfigError: if this ``pyspark`` has no Hadoop of its own.
    """
    client = "hadoop-client-api-"
    clients = [jar for folder in spark_jar_folders() for jar in folder.glob(f"{client}*.jar")]
    if not clients:
        raise ConfigError("this pyspark brings no Hadoop; give Spark the jars of S3 by spark.jars")
    return f"org.apache.hadoop:hadoop-aws:{clients[0].stem.removeprefix(client)}"


def spark_jar_folders() -> list[Path]:
    """Return the folder of the jars that ``pyspark`` brings; none where it brings none."""
    package = importlib.util.find_spec("pyspark")
    places = list(package.submodule_search_locations or ()) if package else []
    return [Path(place) / "jars" for place in places if (Path(place) / "jars").is_dir()]


S3_EXCLUDES = "org.wildfly.openssl:*"
"""Only a faster TLS, which the settings would have to ask for; without it two jars remain."""


def jar_folder() -> Path:
    """Return the folder of this Python environment that holds the resolved jars of Delta."""
    return Path(sys.prefix) / "share" / "uae" / "jars"


def s3_jar_folder() -> Path:
    """Return the folder of this Python environment that holds the resolved jars of S3."""
    return jar_folder().with_name("s3-jars")


def resolved_jars() -> list[Path]:
    """Return the jars of Delta that set-up resolved; empty where it has not run."""
    return sorted(jar_folder().glob("*.jar"))


def resolve() -> list[Path]:
    """Resolve the jars of Delta into ``jar_folder()``."""
    return _resolve(delta_package(), DELTA_EXCLUDES, jar_folder())


def resolve_s3() -> list[Path]:
    """Resolve the jars of S3 into ``s3_jar_folder()``, where they are not there yet."""
    there = sorted(s3_jar_folder().glob("*.jar"))
    return there or _resolve(s3_package(), S3_EXCLUDES, s3_jar_folder())


def _resolve(package: str, excludes: str, folder: Path) -> list[Path]:
    """Let Spark's Ivy resolve jars and copy them into a folder, whole or not at all.

    Starting Spark also shows that this Java runs it.
    """
    from pyspark.sql import SparkSession

    ivy = folder.with_name("ivy")
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("uae-set-up")
        .config("spark.jars.packages", package)
        .config("spark.jars.excludes", excludes)
        .config("spark.jars.ivy", str(ivy))
        .config("spark.ui.enabled", "false")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    spark.stop()
    shutil.rmtree(folder, ignore_errors=True)
    (ivy / "jars").rename(folder)
    shutil.rmtree(ivy)
    return sorted(folder.glob("*.jar"))


def main(arguments: Sequence[str]) -> None:
    """Resolve the jars of Delta, or those that are named: ``s3``."""
    for name in arguments or ("delta",):
        {"delta": resolve, "s3": resolve_s3}[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
