"""From statements to the versions of an SCD 2 table, and from new statements to the versions that change."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812

from uae_model.config import Dimension
from uae_model.config.dimensions import RESTATED_AT, VALID_FROM, VALID_TO


def distinct_statements(statements: DataFrame, dimension: Dimension) -> DataFrame:
    """Return one statement for each entity and time: the one with most attributes, then the greatest.

    Attributes are compared in the order of their declaration, null before any value. It is the maximum of a
    total order, so it does not matter in which order, or how often, statements came.
    """
    attributes = list(dimension.attributes)
    filled = sum((F.col(name).isNotNull().cast("int") for name in attributes), F.lit(0))
    rank = F.struct(filled.alias("filled"), *attributes)
    best = statements.groupBy(dimension.key, VALID_FROM).agg(F.max(rank).alias("best"))
    return best.select(dimension.key, VALID_FROM, *[F.col(f"best.{name}") for name in attributes])


def versions_of(statements: DataFrame, dimension: Dimension) -> DataFrame:
    """Return the versions that distinct statements make: the columns of the dimension's table.

    A version holds from its first statement up to, but not at, the first that says otherwise;
    ``restated_at`` are the times of the statements in between, in order.
    """
    attributes = list(dimension.attributes)
    entity = Window.partitionBy(dimension.key)
    in_time = entity.orderBy(VALID_FROM)
    values = F.struct(*attributes)
    is_change = ~F.lag(values).over(in_time).eqNullSafe(values)
    numbered = statements.withColumn("_values", values).withColumn("_change", is_change.cast("int"))
    numbered = numbered.withColumn("_version", F.sum("_change").over(in_time))
    versions = numbered.groupBy(dimension.key, "_version").agg(
        F.min(VALID_FROM).alias(VALID_FROM),
        F.sort_array(F.collect_list(VALID_FROM)).alias("_times"),
        F.max("_values").alias("_values"),
    )
    return versions.select(
        dimension.key,
        *[F.col(f"_values.{name}") for name in attributes],
        VALID_FROM,
        F.lead(VALID_FROM).over(in_time).alias(VALID_TO),
        F.slice("_times", F.lit(2), F.size("_times")).alias(RESTATED_AT),
    )


def statements_in(versions: DataFrame, dimension: Dimension) -> DataFrame:
    """Return the statements that versions were made of, the reverse of ``versions_of``."""
    times = F.explode(F.concat(F.array(VALID_FROM), RESTATED_AT)).alias(VALID_FROM)
    return versions.select(dimension.key, times, *dimension.attributes)


def changed_versions(table: DataFrame, statements: DataFrame, dimension: Dimension) -> DataFrame:
    """Return the rows of the table that new statements add, change or take out.

    Only entities that the statements name are looked at.

    Args:
        table: the dimension's table as it is.
        statements: new ones, the same entity and time any number of times.
        dimension: key and attributes.

    Returns:
        The table's columns and ``removed``: true for a version that late statements have merged into the
        one before it, or moved.
    """
    new = distinct_statements(statements, dimension)
    named = table.join(new.select(dimension.key).distinct(), dimension.key, "left_semi")
    known = statements_in(named, dimension)
    wanted = versions_of(distinct_statements(known.unionByName(new), dimension), dimension)
    columns = wanted.columns
    # Each side as one struct, so that a row of both sides is compared as a whole.
    old_side = named.select(dimension.key, VALID_FROM, F.struct(*columns).alias("_old"))
    new_side = wanted.select(dimension.key, VALID_FROM, F.struct(*columns).alias("_new"))
    both = old_side.join(new_side, [dimension.key, VALID_FROM], "full")
    return (
        both.where(~F.col("_old").eqNullSafe(F.col("_new")))
        .select(
            F.coalesce("_new", "_old").alias("_row"),
            F.col("_new").isNull().alias("removed"),
        )
        .select("_row.*", "removed")
    )


def statement_count() -> Column:
    """Return the aggregate that counts the statements behind a table's versions."""
    return F.coalesce(F.sum(F.size(RESTATED_AT) + 1), F.lit(0))
