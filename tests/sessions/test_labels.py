"""From feedback to e and y, as the paper's Table I has it and as a configuration may."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import SparkSession

from uae_model.config import FEEDBACK_TYPES, Config
from uae_model.sessions.labels import is_active, label


def labelled(spark: SparkSession, config: Config) -> dict[str, tuple[bool, int]]:
    frame = spark.createDataFrame([(feedback,) for feedback in FEEDBACK_TYPES], "feedback string")
    rows = frame.select(
        "feedback",
        is_active(frame["feedback"], config).alias("e"),
        label(frame["feedback"], config).alias("y"),
    )
    return {row["feedback"]: (row["e"], row["y"]) for row in rows.collect()}


def test_table_one_of_the_paper(spark: SparkSession, config: Config) -> None:
    assert labelled(spark, config) == {
        "like": (True, 1),
        "share": (True, 1),
        "download": (True, 1),
        "skip": (True, 0),
        "dislike": (True, 0),
        "auto_play": (False, 1),
    }


def test_the_configuration_may_see_it_otherwise(
    spark: SparkSession, make_config: Callable[..., Config]
) -> None:
    config = make_config('labels.active=["like"]', 'labels.positive=["like", "skip"]')
    labels = labelled(spark, config)
    assert {name for name, (e, _) in labels.items() if e} == {"like"}
    assert {name for name, (_, y) in labels.items() if y} == {"like", "skip"}
