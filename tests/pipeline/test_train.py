"""Training and promotion as steps of the chain, with a registry that only remembers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.builders import DAY
from tests.pipeline.building import MemoryOnly, accepted
from uae_model.config import Config, FeatureSet
from uae_model.core.errors import AnotherRunError, ConfigError, InputError, ModelError
from uae_model.core.locks import alone_in
from uae_model.pipeline import weight_choice
from uae_model.pipeline.nightly import train
from uae_model.pipeline.steps import training as module
from uae_model.pipeline.steps.training import promote, training_days
from uae_model.registry.gates import RegisteredCandidate
from uae_model.training.job import TrainingJob, TrainingResult, load_tensors

GOOD_TAGS = {
    **{"validation_nll": "0.30", "validation_base_rate_nll": "0.35", "training_plays": "5000"},
    **{"champion_version": "", "propensity_version": "6"},
}


class FakeRegistry:
    """Versions with tags, a champion, and what was asked."""

    def __init__(self, tags: dict[str, str] | None = None, champion: tuple[int, int] | None = None) -> None:
        self.tags = {**GOOD_TAGS, **(tags or {})}
        self.versions = champion
        self.known: tuple[int, int] | None = None
        self.choices: dict[int, str] = {}
        self.features = FeatureSet()
        self.promoted: list[int] = []
        self.extra_tags: dict[str, str] = {}
        self.opened: list[tuple[date, date]] = []

    def weight_choice(self, version: int) -> str | None:
        return self.choices.get(version)

    def registered(self, key: str) -> tuple[int, int] | None:
        assert key == "key"
        return self.known

    def open_run(self, key: str, manifest: Any, days: tuple[date, date]) -> str:
        self.opened.append(days)
        return "run"

    def register(
        self, key: str, run_id: str, manifest: Any, result: Any, extra_tags: dict[str, str]
    ) -> tuple[int, int]:
        assert (key, run_id) == ("key", "run")
        self.extra_tags = extra_tags
        return 4, 5

    def champion_versions(self) -> tuple[int, int] | None:
        return self.versions

    def load(self, attention: int, propensity: int) -> Any:
        return SimpleNamespace(features=self.features, state={"versions": [attention, propensity]})

    def version(self, number: int | None = None) -> Any:
        return SimpleNamespace(version=str(number or 9), tags=self.tags)

    def candidate(self, version: Any) -> RegisteredCandidate:
        return RegisteredCandidate.of({}, version.tags)

    def set_champion(self, candidate: Any, forced: Any = ()) -> None:
        self.forced = list(forced)
        self.promoted.append(int(candidate.version))


class FakeStore:
    """Days of plays, without Spark."""

    def __init__(self, config: Config, days: list[date]) -> None:
        self.config = config
        self.states = MemoryOnly(*(accepted("plays", day) for day in days))


@pytest.mark.parametrize(
    ("window", "held_out", "train_days", "validation_days"),
    [(7, 1, range(5, 12), [12]), (1, 1, [11], [12]), (3, 2, [8, 9, 10], [11, 12])],
)
def test_the_window_ends_before_the_held_out_days(
    make_config: Callable[..., Config],
    window: int,
    held_out: int,
    train_days: range | list[int],
    validation_days: list[int],
) -> None:
    config = make_config(f"training.window_days={window}", f"training.validation_days={held_out}")
    found = training_days(date(2026, 1, 12), config)
    assert [[day.day for day in days] for days in found] == [list(train_days), validation_days]


class TestTrain:
    LAST = DAY + timedelta(days=2)

    @pytest.fixture
    def jobs(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[TrainingJob]:
        """Replace the snapshot and the ranks; return the jobs that were run."""
        ran: list[TrainingJob] = []
        manifest = SimpleNamespace(root=str(tmp_path / "snapshot"))
        monkeypatch.setattr(module, "write_snapshot", lambda store, train_days, validation_days: manifest)
        monkeypatch.setattr(module, "training_key", lambda manifest, network, training: "key")

        def run(job: TrainingJob) -> TrainingResult:
            ran.append(job)
            return TrainingResult("networks.pt", {"validation_nll": 0.3})

        monkeypatch.setattr(module, "run_training", run)
        return ran

    def store(self, make_config: Callable[..., Config], *days: int) -> Any:
        config = make_config("training.window_days=2")
        return FakeStore(config, [date(2026, 1, day) for day in days])

    def test_days_without_plays_are_named(self, jobs: list[TrainingJob], make_config: Any) -> None:
        with pytest.raises(
            InputError, match="plays of 2026-01-05 to 2026-01-07; missing: 2026-01-05, 2026-01-07; run"
        ):
            train(self.store(make_config, 6), FakeRegistry(), self.LAST)  # type: ignore[arg-type]
        assert jobs == []

    def test_what_is_registered_already_is_not_trained_again(
        self, jobs: list[TrainingJob], make_config: Any
    ) -> None:
        registry = FakeRegistry()
        registry.known = (2, 3)
        assert train(self.store(make_config, 5, 6, 7), registry, self.LAST) == (2, 3)  # type: ignore[arg-type]
        assert (jobs, registry.opened) == ([], [])

    def test_a_first_training_has_no_champion_to_be_judged_against(
        self, jobs: list[TrainingJob], make_config: Any, tmp_path: Path
    ) -> None:
        registry = FakeRegistry()
        assert train(self.store(make_config, 5, 6, 7), registry, self.LAST) == (4, 5)  # type: ignore[arg-type]
        (job,) = jobs
        assert (job.champion_path, registry.extra_tags) == ("", {"champion_version": ""})
        assert (job.run_id, job.snapshot_root) == ("run", str(tmp_path / "snapshot"))
        assert job.checkpoint_folder == str(tmp_path / "checkpoints" / "key")
        assert job.tracking_uri == f"sqlite:///{tmp_path}/mlflow.db"
        assert job.training.window_days == 2
        assert registry.opened == [(DAY, self.LAST)]

    def test_a_training_that_another_run_is_at_is_not_begun(
        self, jobs: list[TrainingJob], make_config: Any, tmp_path: Path
    ) -> None:
        registry = FakeRegistry()
        with (
            alone_in(str(tmp_path / "checkpoints" / "key"), "training"),
            pytest.raises(AnotherRunError, match="another run is at this training: process"),
        ):
            train(self.store(make_config, 5, 6, 7), registry, self.LAST)  # type: ignore[arg-type]
        assert (jobs, registry.opened) == ([], [])

    @pytest.fixture
    def chosen(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Any]]:
        """Replace the choice itself; return the versions and days that were asked for."""
        calls: list[tuple[int, Any]] = []

        def choose(store: Any, registry: FakeRegistry, version: int, days: Any) -> None:
            calls.append((version, days))
            registry.choices[version] = "linear"

        monkeypatch.setattr(weight_choice, "choose_for", choose)
        return calls

    def test_a_training_ends_with_the_choice_of_the_weight_function(
        self, jobs: list[TrainingJob], make_config: Any, chosen: list[tuple[int, Any]]
    ) -> None:
        store, registry = self.store(make_config, 5, 6, 7), FakeRegistry()
        train(store, registry, self.LAST)  # type: ignore[arg-type]
        assert chosen == []  # weights.function = linear
        store.config = make_config("training.window_days=2", "weights.function=auto")
        for _ in range(2):  # once: what is chosen stays
            train(store, registry, self.LAST)  # type: ignore[arg-type]
        assert chosen == [(4, ([DAY, DAY + timedelta(days=1)], [self.LAST]))]
        assert len(jobs) == 1

    def test_a_window_of_a_day_leaves_none_to_choose_by(
        self, jobs: list[TrainingJob], make_config: Any
    ) -> None:
        config = make_config("training.window_days=1", "weights.function=auto")
        store: Any = FakeStore(config, [DAY, DAY + timedelta(days=1), self.LAST])
        with pytest.raises(ConfigError, match=r"training.window_days = 1: .* set training.window_days to 2"):
            train(store, FakeRegistry(), self.LAST)  # type: ignore[arg-type]
        assert jobs == []

    def test_the_champion_is_laid_where_the_ranks_find_it(
        self, jobs: list[TrainingJob], make_config: Any
    ) -> None:
        store, registry = self.store(make_config, 5, 6, 7), FakeRegistry(champion=(1, 2))
        registry.features = store.config.features
        train(store, registry, self.LAST)  # type: ignore[arg-type]
        assert registry.extra_tags == {"champion_version": "1"}
        assert load_tensors(jobs[0].champion_path) == {"versions": [1, 2]}

    def test_a_champion_with_other_features_is_left_out_of_the_comparison(
        self, jobs: list[TrainingJob], make_config: Any
    ) -> None:
        registry = FakeRegistry(champion=(1, 2))
        registry.features = FeatureSet.of_plain([{"name": "genre", "kind": "categorical", "role": "both"}])
        train(self.store(make_config, 5, 6, 7), registry, self.LAST)  # type: ignore[arg-type]
        assert (jobs[0].champion_path, registry.extra_tags) == ("", {"champion_version": "1"})


class TestPromote:
    def promote(self, config: Config, registry: FakeRegistry, *version: int, force: bool = False) -> int:
        return promote(config, registry, *version, force=force)  # type: ignore[arg-type]

    def test_the_newest_version_by_default(self, config: Config) -> None:
        registry = FakeRegistry()
        assert self.promote(config, registry) == 9
        assert registry.promoted == [9]

    def test_the_champion_stays_champion(self, config: Config) -> None:
        registry = FakeRegistry(champion=(9, 6))
        assert self.promote(config, registry, 9) == 9
        assert registry.promoted == []

    def test_a_failed_gate_keeps_the_champion_unless_forced(self, config: Config) -> None:
        registry = FakeRegistry({"training_plays": "10", "champion_version": "2"}, champion=(3, 3))
        with pytest.raises(ModelError) as failure:
            self.promote(config, registry, 9)
        assert str(failure.value) == (
            "version 9 was not promoted: it was trained on 10 plays, promotion.min_training_plays = 1000; "
            "it was compared with champion 2, but version 3 is champion now; train it again "
            "(--force promotes it all the same)"
        )
        assert registry.promoted == []
        assert self.promote(config, registry, 9, force=True) == 9
        assert registry.promoted == [9]
        assert len(registry.forced) == 2  # remembered with the version
