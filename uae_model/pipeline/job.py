"""What a job works with: its settings, Spark, the tables, and what MLflow holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from uae_model.config import Config
from uae_model.core.child_output import children_to_log
from uae_model.lake import TableStore
from uae_model.lake.spark import start_spark

if TYPE_CHECKING:
    from uae_model.evaluation.mlflow_trials import MlflowTrials
    from uae_model.registry.client import Registry


@dataclass(frozen=True)
class Job:
    """The settings, the Spark session and the tables of a job.

    The registry and the trials are opened at their first use: MLflow takes seconds to import.
    """

    config: Config
    spark: SparkSession
    store: TableStore

    @cached_property
    def registry(self) -> Registry:
        """The registry, created where there is none yet."""
        return registry_of(self.config)

    @cached_property
    def existing_registry(self) -> Registry | None:
        """The registry, or None where there is none yet."""
        from uae_model.registry.opening import open_registry

        return open_registry(self.config)

    @cached_property
    def trials(self) -> MlflowTrials:
        """The finished trials of ``evaluation.experiment``."""
        from uae_model.evaluation.mlflow_trials import open_trials

        return open_trials(self.config)


def open_job(step: str, config: Config, spark_conf: Sequence[str | Path]) -> Job:
    """Start Spark and open the tables.

    Args:
        step: names the Spark application.
        config: the settings.
        spark_conf: files of Spark settings for a local run; later ones win.
    """
    with children_to_log():
        spark = start_spark(step, spark_conf)
    return Job(config, spark, TableStore(spark, config))


def registry_of(config: Config) -> Registry:
    """Return the registry, for what needs no Spark."""
    from uae_model.registry.client import Registry

    return Registry(config)
