"""Statistics and checks of a day's weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from pyspark.sql import DataFrame, SparkSession

from uae_model.config import Config
from uae_model.publication.checks import (
    Check,
    DayStatistics,
    check_day,
    day_statistics,
    publication_row,
    unmatched_rows,
)

GOOD = DayStatistics(
    rows=90,
    sessions=10,
    active=9,
    mean_passive_attention=0.2,
    mean_passive_weight=0.6,
    passive_weight_quantiles=[0.1, 0.4, 0.6, 0.8, 0.9],
    out_of_range=0,
    model_pairs=1,
)
MATCHED = {"missing": 0, "extra": 0, "doubled": 0}

Weight = tuple[str, bool, float | None, float | None, int]


def weights(spark: SparkSession, rows: Sequence[Weight]) -> DataFrame:
    seen = Counter[str]()
    placed = []
    for row in rows:
        seen[row[0]] += 1
        placed.append((*row, 7, seen[row[0]]))
    return spark.createDataFrame(
        placed,
        "session_id string, is_active boolean, attention double, sample_weight double, "
        "attention_model_version int, propensity_model_version int, position int",
    )


def failing(statistics: DayStatistics, config: Config, **other: object) -> list[str]:
    arguments: dict[str, object] = {
        "unmatched": MATCHED,
        "quarantined": 0,
        **other,
    }
    checks = check_day(statistics, config=config, **arguments)  # type: ignore[arg-type]
    return [check.name for check in checks if not check.passed]


def test_statistics_count_all_plays_and_average_the_passive_ones(spark: SparkSession) -> None:
    found = day_statistics(
        weights(
            spark,
            [
                ("s1", True, 0.9, 1.0, 1),
                ("s1", False, 0.2, 0.4, 1),
                ("s1", False, 0.4, 0.6, 1),
                ("s2", False, 0.6, 0.8, 1),
            ],
        )
    )
    assert (found.rows, found.sessions, found.active) == (4, 2, 1)
    assert found.mean_passive_attention == pytest.approx(0.4)
    assert found.mean_passive_weight == pytest.approx(0.6)
    assert found.passive_weight_quantiles == [0.4, 0.4, 0.6, 0.8, 0.8]
    assert found.passive_weight_histogram == (0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0)  # 0.3 to 0.5, to 0.7, to 0.9
    assert (found.out_of_range, found.model_pairs) == (0, 1)


def test_statistics_count_what_must_not_be(spark: SparkSession) -> None:
    nan = float("nan")
    found = day_statistics(
        weights(
            spark,
            [
                ("s1", False, 0.5, 0.5, 1),
                ("s1", False, 0.5, 1.5, 1),
                ("s1", False, 0.5, nan, 2),
                ("s1", False, nan, 0.5, 1),
                ("s1", False, -0.1, 0.5, 1),
                ("s1", False, 0.5, None, 1),
            ],
        )
    )
    assert (found.out_of_range, found.model_pairs) == (5, 2)


def test_a_day_without_passive_plays_has_no_means(spark: SparkSession, config: Config) -> None:
    found = day_statistics(weights(spark, [("s1", True, 0.9, 1.0, 1)]))
    assert (found.mean_passive_weight, found.mean_passive_attention) == (None, None)
    assert failing(found, config) == []


@pytest.mark.parametrize(
    ("plays", "weighed", "expected"),
    [
        ([("a", 1), ("a", 2)], [("a", 2), ("a", 1)], (0, 0, 0)),
        ([("a", 1), ("a", 2), ("b", 1)], [("a", 1)], (2, 0, 0)),
        ([("a", 1)], [("a", 1), ("a", 2), ("b", 1)], (0, 2, 0)),
        ([("a", 1)], [("a", 1), ("a", 1)], (0, 0, 1)),
        ([("a", 1), ("a", 1)], [("a", 1)], (0, 0, 1)),
        ([("a", 1), ("b", 1)], [("b", 1), ("c", 1)], (1, 1, 0)),
    ],
)
def test_plays_and_weights_must_match_both_ways(
    spark: SparkSession,
    plays: list[tuple[str, int]],
    weighed: list[tuple[str, int]],
    expected: tuple[int, int, int],
) -> None:
    schema = "session_id string, position int"
    found = unmatched_rows(spark.createDataFrame(plays, schema), spark.createDataFrame(weighed, schema))
    assert (found["missing"], found["extra"], found["doubled"]) == expected


class TestChecks:
    def test_a_good_day_passes_each_of_them(self, config: Config) -> None:
        checks = check_day(GOOD, MATCHED, 0, config)
        assert len(checks) == 6
        assert all(check.passed for check in checks)

    @pytest.mark.parametrize(
        ("change", "name"),
        [
            ({"rows": 0}, "the day has plays"),
            ({"out_of_range": 1}, "weights and attention lie in [0, 1]"),
            ({"model_pairs": 2}, "one pair of models"),
            ({"mean_passive_weight": float("nan")}, "mean passive weight in [0, 1]"),
        ],
    )
    def test_a_bad_figure_fails_its_check_alone(
        self, config: Config, change: dict[str, float], name: str
    ) -> None:
        assert failing(replace(GOOD, **change), config) == [name]  # type: ignore[arg-type]

    @pytest.mark.parametrize("side", ["missing", "extra", "doubled"])
    def test_one_weight_for_every_play(self, config: Config, side: str) -> None:
        assert failing(GOOD, config, unmatched={**MATCHED, side: 1}) == ["one weight row for every play row"]

    @pytest.mark.parametrize(("quarantined", "fails"), [(10, False), (11, True)])
    def test_quarantined_share_is_of_all_rows(
        self, make_config: Callable[..., Config], quarantined: int, fails: bool
    ) -> None:
        config = make_config("publication.max_quarantined_share=0.1")
        assert bool(failing(GOOD, config, quarantined=quarantined)) is fails  # 10 of 100, 11 of 101

    @pytest.mark.parametrize(("quarantined", "fails"), [(2, False), (3, True)])
    def test_a_dimension_is_held_to_the_same_share(
        self, make_config: Callable[..., Config], quarantined: int, fails: bool
    ) -> None:
        config = make_config("publication.max_quarantined_share=0.1")
        statements = {"songs": (quarantined, 20), "users": (0, 0)}
        checks = check_day(GOOD, MATCHED, 0, config, quarantined_statements=statements)
        failed = [check.name for check in checks if not check.passed]
        assert failed == (["quarantined share of songs at most 0.1"] if fails else [])

    @pytest.mark.parametrize(
        ("limits", "fails"),
        [((0.0, 0.6), False), ((0.0, 0.59), True), ((0.6, 1.0), False), ((0.61, 1.0), True)],
    )
    def test_mean_weight_must_lie_in_its_limits(
        self, make_config: Callable[..., Config], limits: tuple[float, float], fails: bool
    ) -> None:
        config = make_config(
            f"publication.min_passive_weight_mean={limits[0]}",
            f"publication.max_passive_weight_mean={limits[1]}",
        )
        assert bool(failing(GOOD, config)) is fails

    def test_what_readers_rely_on_cannot_be_overruled(self, config: Config) -> None:
        codes = {check.name: check.code for check in check_day(GOOD, MATCHED, 0, config)}
        assert [name for name, code in codes.items() if not code] == [
            "the day has plays",
            "one weight row for every play row",
            "weights and attention lie in [0, 1]",
            "one pair of models",
        ]
        assert [code for code in codes.values() if code] == ["quarantined_plays", "weight_limits"]

    def test_a_failed_check_gives_its_figure_and_the_limit(self, make_config: Callable[..., Config]) -> None:
        config = make_config("publication.max_passive_weight_mean=0.5")
        failed = [check for check in check_day(GOOD, MATCHED, 10, config) if not check.passed]
        assert [(check.code, check.value, check.threshold) for check in failed] == [
            ("quarantined_plays", 0.1, 0.05),
            ("weight_limits", 0.6, 0.5),
        ]

    def test_a_check_reads_as_a_sentence(self) -> None:
        assert str(Check("one pair of models", True, "1 pairs")) == "one pair of models: ok (1 pairs)"
        assert str(Check("one pair of models", False, "2 pairs")) == "one pair of models: FAILED (2 pairs)"


def test_the_record_holds_statistics_checks_and_the_rest() -> None:
    row = publication_row(GOOD, [Check("c", True, "f")], {"delta_version": 3, "status": "published"})
    assert row == {
        **{"table_name": "weights", "row_count": 90, "session_count": 10, "active_count": 9},
        **{"mean_passive_attention": 0.2, "mean_passive_weight": 0.6},
        **{"passive_weight_quantiles": [0.1, 0.4, 0.6, 0.8, 0.9], "checks": ["c: ok (f)"]},
        **{"delta_version": 3, "status": "published"},
    }
