"""What the roles and the mean of attention do to a result, on a snapshot of known dependence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.pipeline.building import MemoryOnly
from tests.training_builders import small_sessions, train, write_snapshot_files
from uae_model.config import Config
from uae_model.core.errors import InputError
from uae_model.evaluation import sensitivity as module
from uae_model.evaluation.sensitivity import Variant, as_markdown, compare_variants, swapped_roles
from uae_model.pipeline.sensitivity import sensitivity
from uae_model.training.job import TrainingJob, TrainingResult

pytestmark = pytest.mark.slow

BEFORE, DAY = date(2026, 1, 5), date(2026, 1, 6)
SETTINGS = (
    *("training.window_days=1", "training.epochs=1", 'training.estimator="joint"'),
    *("training.batch_plays=64", "training.processes=1", "network.hidden=4", "network.mlp=[8]"),
)


class Store:
    """Plays of every day, and the roles of each snapshot that was asked for."""

    spark = None

    def __init__(self, config: Config) -> None:
        self.config = config
        self.states = SimpleNamespace(accepted=lambda name, day: object())


@pytest.fixture
def found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, make_config: Callable[..., Config]
) -> tuple[list[Variant], list[TrainingJob]]:
    """The variants of a small snapshot, and the trainings behind them."""
    jobs: list[TrainingJob] = []
    manifest = write_snapshot_files(
        tmp_path / "snapshot",
        small_sessions([4] * 60, seed=1, active_rate=0.2),
        small_sessions([4] * 30, seed=2, active_rate=0.2),
    )

    def run(job: TrainingJob) -> TrainingResult:
        jobs.append(job)
        return train(job)

    monkeypatch.setattr(module, "write_snapshot", lambda store, *days: manifest)
    monkeypatch.setattr(module, "TableStore", lambda spark, config: Store(config))
    monkeypatch.setattr(module, "run_training", run)
    store: Any = Store(make_config(*SETTINGS))
    return compare_variants(store, ([BEFORE], [DAY])), jobs


def test_each_assumption_has_its_line(found: tuple[list[Variant], list[TrainingJob]]) -> None:
    variants, jobs = found
    names = [each.name for each in variants]
    anchored = [f"mean attention of all plays known: {anchor}" for anchor in (0.4, 0.6)]
    # more than a fifth of the plays is active, so that a mean of 0.2 is impossible
    assert names == ["as configured", *anchored, "roles swapped", "no roles"]
    assert [job.training.feature_roles for job in jobs] == [True, True, False]


def test_an_anchor_moves_the_level_and_keeps_the_order(
    found: tuple[list[Variant], list[TrainingJob]],
) -> None:
    variants, _ = found
    configured, low, high, _, without = variants
    assert low.mean_attention < high.mean_attention
    assert high.mean_weight == pytest.approx(high.mean_attention)  # linear weights
    assert [each.rank_correlation for each in (configured, low, high)] == pytest.approx([1.0] * 3)
    assert without.rank_correlation < 0.999
    assert low.nll == configured.nll


def test_swapping_twice_gives_the_declaration_back(make_config: Callable[..., Config]) -> None:
    features = make_config().features
    assert swapped_roles(features) != features
    assert swapped_roles(swapped_roles(features)) == features


def test_the_table_has_a_row_for_each_variant() -> None:
    text = as_markdown([Variant("as configured", "chain-0.7", 0.25, 0.3, 0.3, 1.0)])
    assert text.splitlines()[-1] == "| as configured | chain-0.7 | 0.25000 | 0.300 | 0.300 | 1.000 |"


def test_days_without_plays_are_named(make_config: Callable[..., Config]) -> None:
    store: Any = SimpleNamespace(config=make_config(), states=MemoryOnly())
    with pytest.raises(InputError, match="run uae backfill"):
        sensitivity(store, DAY)
