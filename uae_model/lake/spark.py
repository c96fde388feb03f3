"""The Spark session: settings come from spark_conf/ or from spark-submit, never from code.

The files of ``spark_conf/`` lie in this room, so that they travel with the package.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.accumulators import AccumulatorServer
from pyspark.sql import SparkSession

from uae_model.core.errors import ConfigError
from uae_model.core.logs import warn
from uae_model.core.scratch import scratch_folder, temporary_files_here
from uae_model.lake.class_archive import archive_file, start_options
from uae_model.lake.jars import DELTA_EXCLUDES, delta_package, resolved_jars, s3_jar_folder, spark_jar_folders

SPARK_CONF_FOLDER = Path(__file__).with_name("spark_conf")
COMMON_CONF = SPARK_CONF_FOLDER / "common.conf"
"""What every session has; all other files are laid over it."""
DRIVER_OPTIONS = "spark.driver.extraJavaOptions"
DRIVER_CLASS_PATH = "spark.driver.extraClassPath"
OWN_JARS = frozenset({"spark.jars", "spark.jars.packages", DRIVER_CLASS_PATH})
S3_SETTINGS = "spark.hadoop.fs.s3a."
SECRET = re.compile(r"(secret|password|token|access[.]?key|secret[.]?key)$", re.IGNORECASE)
"""How the names of settings end whose values are secrets; Spark hides them from its pages and event logs."""

REQUIRED_SETTINGS = {
    # Without one time zone, day partitions and session times shift with the driver's machine.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}
"""What every profile must set for the tables to be right; checked at start."""


def read_spark_conf(path: str | Path) -> dict[str, str]:
    """Read a file in the form of spark-defaults.conf: ``key value`` lines and ``#`` comments.

    Raises:
        ConfigError: if the file is missing or a line has no value.
    """
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"the Spark configuration {file} does not exist; pass --spark-conf FILE")
    settings = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        parts = text.split(None, 1)
        if len(parts) != 2:
            raise ConfigError(f"{file}:{number}: {text!r} has no value; the form is: key value")
        settings[parts[0]] = parts[1].strip()
    return settings


def layered_settings(conf_files: Sequence[str | Path]) -> dict[str, str]:
    """Return the settings of ``common.conf`` with the given files laid over it; a later file wins.

    Raises:
        ConfigError: if a file is missing or a line has no value.
    """
    settings: dict[str, str] = {}
    for file in (COMMON_CONF, *conf_files):
        settings.update(read_spark_conf(file))
    return settings


def start_spark(name: str, conf_files: Sequence[str | Path] = ()) -> SparkSession:
    """Return the session of spark-submit, or a local one built from ``conf_files`` over ``common.conf``.

    Without ``conf_files`` a local session takes ``local.conf``. Under spark-submit every setting is already
    there (``--properties-file``), so files are refused.

    Raises:
        ConfigError: if the resulting session lacks one of ``REQUIRED_SETTINGS``, or if a file holds a secret.
    """
    builder = SparkSession.builder.appName(f"uae-{name}")
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        if conf_files:
            raise ConfigError("--spark-conf is for local runs; give spark-submit a --properties-file")
    else:
        # Workers need this environment's packages; Spark's own default is whatever python3 is on the PATH.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        settings = layered_settings(conf_files or [SPARK_CONF_FOLDER / "local.conf"])
        _require_no_secret(settings)
        settings.update(_s3_jars(settings))
        settings.update(_delta_jars(settings))
        settings.update(_own_folders(settings))
        settings.update(_class_archive(settings))
        for key, value in settings.items():
            builder = builder.config(key, value)
    AccumulatorServer.handle_error = tell_broken_connection  # type: ignore[assignment]
    with temporary_files_here():  # Java and its Python workers take the folder from the environment
        spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    check_settings(spark)
    return spark


def tell_broken_connection(server: AccumulatorServer, request: Any, client_address: Any) -> None:
    """Log that Spark's Java process broke off; socketserver would print a traceback on standard error.

    Source: ``socketserver.BaseServer.handle_error``, which is meant to be replaced.
    """
    error = sys.exc_info()[1]
    warn("the connection to Spark's Java process broke off", error=type(error).__name__)


def check_settings(spark: SparkSession) -> None:
    """Raise ConfigError where the session would write wrong tables."""
    for key, expected in REQUIRED_SETTINGS.items():
        actual = spark.conf.get(key, None)
        if actual is None or expected not in actual:
            raise ConfigError(f"{key} = {actual!r}: must be {expected!r}; start from a file of spark_conf/")


def _require_no_secret(settings: dict[str, str]) -> None:
    """Raise ConfigError for a secret: pyspark starts Java with all settings on its command line."""
    secret = next((key for key in settings if SECRET.search(key)), None)
    if secret:
        raise ConfigError(
            f"--spark-conf: {secret} would stand on a command line, where every user can read it; "
            "run the job by scripts/submit.sh with the setting in UAE_SITE_CONF, or, for storage, set the "
            "environment variables of its credentials"
        )


def _delta_jars(settings: dict[str, str]) -> dict[str, str]:
    """Use the jars that set-up resolved; without them let Ivy fetch the same ones."""
    if "spark.jars" in settings or "spark.jars.packages" in settings:
        return {}
    jars = resolved_jars()
    if jars:
        return {"spark.jars": ",".join(str(jar) for jar in jars)}
    return {"spark.jars.packages": delta_package(), "spark.jars.excludes": DELTA_EXCLUDES}


def _s3_jars(settings: dict[str, str]) -> dict[str, str]:
    """Use the jars of S3 where the settings speak of it, unless they name jars of their own.

    On the class path: jars that Spark is given otherwise, it copies at each start, and these are large. After
    Spark's own: Amazon's brings an old SLF4J, with which Spark would log nothing.

    Raises:
        ConfigError: if the jars have not been resolved.
    """
    if not any(key.startswith(S3_SETTINGS) for key in settings) or OWN_JARS.intersection(settings):
        return {}
    folder = s3_jar_folder()
    if not folder.is_dir():
        raise ConfigError(
            f"{S3_SETTINGS}*: the jars of S3 are not in {folder}; `make object-storage-jars` "
            "fetches them (560 MB, once)"
        )
    return {DRIVER_CLASS_PATH: ":".join(f"{jars}/*" for jars in (*spark_jar_folders(), folder))}


def _own_folders(settings: dict[str, str]) -> dict[str, str]:
    """Return where a local session keeps temporary files: in folders of this process, which go with it.

    They lie below ``spark.local.dir`` where that is set. The environment's SPARK_LOCAL_DIRS wins over both.
    """
    java = f'"-Djava.io.tmpdir={scratch_folder()}"'
    options = {DRIVER_OPTIONS: f"{settings.get(DRIVER_OPTIONS, '')} {java}".strip()}
    if not settings.get("spark.master", "local").startswith("local"):
        return options  # executors elsewhere take these folders from their workers
    named = [folder.strip() for folder in settings.get("spark.local.dir", "").split(",") if folder.strip()]
    own = [str(scratch_folder(folder)) for folder in named] or [str(scratch_folder())]
    return {**options, "spark.local.dir": ",".join(own)}


def _class_archive(settings: dict[str, str]) -> dict[str, str]:
    """Let Java start with the classes that set-up archived, unless the settings name an archive."""
    named = settings.get(DRIVER_OPTIONS, "")
    archive = start_options(archive_file())
    return {} if "Archive" in named or not archive else {DRIVER_OPTIONS: f"{archive} {named}".strip()}
