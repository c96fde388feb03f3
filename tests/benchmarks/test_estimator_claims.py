"""What the benchmark of estimators is held to, and how it runs in parts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.estimators import __main__ as benchmark
from benchmarks.estimators.__main__ import PARTS, SEEDS, cases, main
from benchmarks.estimators.claims import claims
from benchmarks.estimators.tables import tables
from benchmarks.estimators.trials import PLANS, EstimatorCase
from benchmarks.estimators.worlds import ESTIMATORS, FIRST_JUDGE, SETTINGS, SIZES, TUNING


def result(
    world: str, size: str, seed: int, auto: float, pn: float, uae: float, **more: Any
) -> dict[str, Any]:
    def score(auc: float) -> dict[str, Any]:
        return {
            "auc_p": auc,
            "chosen": "chain-0.7",
            "calibration": {"as trained": 0.1, "known mean": 0.03},
            "mean_interval": more.get("interval"),
            "seconds": auc * 100,
        }

    return {
        "case": {"plan": more.get("plan", "main"), "setting": world, "size": size, "seed": seed},
        "plays": SIZES[size],
        "oracle_auc_p": 0.9,
        "validation_attended_share": 0.36,
        "scores": {"auto": score(auto), "uae": score(uae), "pn": score(pn)},
    }


def failing(results: list[dict[str, Any]]) -> list[str]:
    return [claim.text for claim in claims(results) if not claim.holds]


GOOD = [
    result("sticky", "75k", 101, 0.82, 0.70, 0.71, interval=[0.3, 0.4]),
    result("sticky", "75k", 102, 0.84, 0.70, 0.72, interval=[0.2, 0.4]),
]


def test_good_results_bear_out_all_claims_about_them() -> None:
    texts = {claim.text: claim.value for claim in claims(GOOD)}
    assert failing(GOOD) == []
    assert texts["sticky at 75k: auto above the better of PN and UAE"] == pytest.approx(0.83 - 0.715)
    assert texts["sticky at 75k: auto above PN in the worst seed"] == pytest.approx(0.12)
    assert texts["75k: share of the way from PN to the oracle, mean over 1 worlds"] == pytest.approx(0.65)
    assert texts["the interval for the mean holds the truth, share of 2 cases"] == 1.0
    assert not any("cost" in text or "260k" in text for text in texts)


def test_a_seed_below_pn_fails_even_where_the_mean_is_above() -> None:
    bad = [*GOOD, result("sticky", "75k", 103, 0.79, 0.82, 0.70, interval=[0.3, 0.4])]
    assert "sticky at 75k: auto above PN in the worst seed" in failing(bad)
    assert "sticky at 75k: auto above the better of PN and UAE" not in failing(bad)


def test_an_interval_beside_the_truth_fails_and_a_missing_one_is_no_claim() -> None:
    beside = [GOOD[0], result("sticky", "75k", 102, 0.84, 0.70, 0.72, interval=[0.5, 0.6])]
    assert failing(beside) == ["the interval for the mean holds the truth, share of 2 cases"]
    without = [result("sticky", "75k", 101, 0.82, 0.70, 0.71)]
    assert not any("interval" in claim.text for claim in claims(without))


def test_the_way_to_the_oracle_is_longer_for_more_plays() -> None:
    moved = [result("waking", size, 101, 0.83, 0.70, 0.71) for size in ("75k", "260k")]
    assert failing(moved) == ["260k: share of the way from PN to the oracle, mean over 1 worlds"]


def test_cost_is_told_in_times_of_uae() -> None:
    dear = result("sticky", "1m", 101, 0.9, 0.5, 0.3, plan="cost")
    assert failing([dear]) == ["cost of auto at 1,000,000 plays, times UAE"]


def test_tables_have_a_row_for_each_world_of_a_size_and_leave_out_what_was_not_measured() -> None:
    blocks = tables([*GOOD, result("boredom", "260k", 101, 0.75, 0.70, 0.6)])
    assert set(blocks) == {"estimators-recovery", "estimators-choices", "estimators-calibration"}
    recovery = blocks["estimators-recovery"]
    assert recovery.index("at 75k") < recovery.index("at 260k")
    assert "| sticky, rho = 0.7 | 0.830 ± 0.014 | 0.715 ± 0.007 | 0.700 ± 0.000 |" in recovery
    assert f"| {SETTINGS['boredom'].title} |" in recovery


def test_the_benchmark_covers_every_world_and_judges_on_seeds_that_nothing_was_tuned_on() -> None:
    assert {world for _, world, _ in PARTS} == set(SETTINGS)
    assert len(PARTS) == len(set(PARTS))
    assert min(SEEDS) >= FIRST_JUDGE
    assert len(SEEDS) >= 5
    assert set(TUNING) < set(SETTINGS)
    assert {"auto", "uae", "pn"} < set(ESTIMATORS)
    whole = cases(PLANS, SETTINGS, SIZES, SEEDS)
    assert sum(case.plan == "cost" for case in whole) == 1
    assert len(whole) == (len(PARTS) - 1) * len(SEEDS) + 1


def test_a_part_is_what_its_arguments_name() -> None:
    part = cases(("main",), ("boredom", "sticky"), ("75k", "260k"), (1, 2))
    assert part == [
        EstimatorCase("main", world, size, seed)
        for world, size in (("sticky", "260k"), ("boredom", "260k"), ("boredom", "75k"))
        for seed in (1, 2)
    ]


def test_what_is_kept_is_shown_without_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kept in (result("boredom", "75k", seed, 0.83, 0.7, 0.6) for seed in (1, 2)):
        case = EstimatorCase(**kept["case"])
        (tmp_path / f"{case.name}.json").write_text(json.dumps(kept))
    code = main(["--data", str(tmp_path), "--kept", "--worlds", "boredom,sticky", "--seeds", "1,2"])
    shown = capsys.readouterr()
    assert code == 0
    assert "| 0.830 ± 0.000 |" in shown.out
    assert "holds: boredom at 75k: auto: 0.830 >= 0.711" in shown.err
    assert len(json.loads((tmp_path / "part.json").read_text())["cases"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--worlds", "moon"], "unknown: moon; known: sticky"),
        (["--seeds", "one"], "one: must be numbers"),
        (["--kept"], "nothing to measure: no such plan, world, size and seed in --data"),
        (["--docs", "--worlds", "sticky"], "--docs wants the whole benchmark"),
    ],
)
def test_arguments_that_name_nothing_are_refused(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        benchmark.main([*arguments, "--data", str(tmp_path)])
    assert message in capsys.readouterr().err
