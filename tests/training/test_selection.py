"""auto: which candidates are trained how far, which one is kept, and what is said of the others."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training_builders import (
    BUCKETS,
    SmallSession,
    on_ranks,
    train,
    training_job,
    training_settings,
    write_snapshot_files,
)
from uae_model.models.pair import NetworkPair
from uae_model.snapshot.manifest import Manifest
from uae_model.training.candidates import Candidate, candidates_of
from uae_model.training.comparison import Comparison, best_candidate
from uae_model.training.job import TrainingResult, load_tensors
from uae_model.training.loop import train_on_this_rank

AUTO: dict[str, Any] = {
    **{"estimator": "auto", "candidates": ("joint", "chain"), "stickiness": (0.4, 0.8)},
    **{"feature_roles": True, "epochs": 6, "patience": 6, "batch_plays": 512, "first_round_epochs": 2},
}


def sticky_sessions(count: int, rho: float, *, seed: int, first: int = 1) -> list[SmallSession]:
    """Return sessions of eight plays whose attention sticks with probability rho; an attended play is active
    four times out of five."""
    random = np.random.default_rng(seed)
    sessions = []
    for number in range(first, first + count):
        context = random.normal(size=8)
        attended = np.zeros(8, dtype=bool)
        for t in range(8):
            fresh = random.random() < 1 / (1 + np.exp(-1.5 * context[t]))
            attended[t] = attended[t - 1] if t and random.random() < rho else fresh
        active = attended & (random.random(8) < 0.8)
        categorical = np.stack([np.full(8, number % BUCKETS[0]), random.integers(1, 8, 8)], axis=1)
        numeric = np.stack([context, random.normal(size=8)], axis=1).astype(np.float32)
        sessions.append(
            SmallSession(number, categorical.astype(np.int32), numeric, active.astype(np.float32))
        )
    return sessions


def snapshot(folder: Path, rho: float) -> Manifest:
    return write_snapshot_files(
        folder,
        sticky_sessions(400, rho, seed=1),
        sticky_sessions(200, rho, seed=2, first=401),
        padded_lengths=(8,),
        row_group=50,
    )


def test_candidates_of_each_estimator() -> None:
    assert candidates_of(training_settings(estimator="uae")) == [Candidate("uae")]
    chain = training_settings(estimator="chain", stickiness=(0.2, 0.7))
    assert candidates_of(chain) == [Candidate("chain", 0.2), Candidate("chain", 0.7)]
    assert [candidate.name for candidate in candidates_of(training_settings(**AUTO))] == [
        *("joint", "chain-0.4", "chain-0.8")
    ]
    wider = training_settings(**{**AUTO, "candidates": ("chain", "unrestricted_chain")})
    assert [candidate.name for candidate in candidates_of(wider)] == [
        *("chain-0.4", "chain-0.8", "unrestricted_chain-0.8")
    ]
    alone = training_settings(estimator="unrestricted_chain", stickiness=(0.4,))
    assert candidates_of(alone) == [Candidate("unrestricted_chain", 0.4)]


def compared(name: str, difference: float, error: float, *, finalist: bool = True) -> Comparison:
    return Comparison(
        name, name, 0.7, 0.2 + difference, 0.01, difference, error, 5, finalist, 0.3, 0.3, False
    )


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        # within two standard errors the declared roles are kept, beyond they are not
        ([compared("free", 0.0, 0.0), compared("chain", 0.0006, 0.0003)], "chain"),
        ([compared("free", 0.0, 0.0), compared("chain", 0.0007, 0.0003)], "free"),
        ([compared("chain", 0.0, 0.0), compared("free", 0.0001, 0.0003)], "chain"),
        ([compared("free", 0.0, 0.0), compared("chain", 0.0, 0.1, finalist=False)], "free"),
    ],
)
def test_roles_are_given_up_only_for_a_clearly_better_likelihood(
    candidates: list[Comparison], expected: str
) -> None:
    assert candidates[best_candidate(candidates, {"free"})].name == expected


@pytest.mark.slow
def test_a_candidate_that_keeps_to_the_roles_is_always_trained_to_the_end(tmp_path: Path) -> None:
    wider = {**AUTO, "candidates": ("joint", "unrestricted_chain"), "stickiness": (0.8, 0.9), "epochs": 3}
    result = train(training_job(snapshot(tmp_path / "data", 0.8), tmp_path / "checkpoints", **wider))
    epochs = {
        candidate["name"]: (candidate["epochs"], candidate["finalist"]) for candidate in result.candidates
    }
    free = {epochs.pop("unrestricted_chain-0.8"), epochs.pop("unrestricted_chain-0.9")}
    assert epochs == {"joint": (3, True)}  # though both others were better after the first round
    assert free == {(3, True), (2, False)}


@pytest.mark.slow
def test_a_single_finalist_that_disregards_the_roles_meets_one_that_keeps_to_them(tmp_path: Path) -> None:
    alone = {"candidates": ("joint", "unrestricted_chain"), "stickiness": (0.8,), "epochs": 3, "finalists": 1}
    job = training_job(snapshot(tmp_path / "data", 0.8), tmp_path / "checkpoints", **{**AUTO, **alone})
    assert [candidate["finalist"] for candidate in train(job).candidates] == [True, True]


@pytest.fixture(scope="module")
def sticky(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    folder = tmp_path_factory.mktemp("sticky")
    return train(training_job(snapshot(folder / "data", 0.8), folder / "checkpoints", **AUTO))


@pytest.mark.slow
def test_a_sticky_world_gets_the_chain(sticky: TrainingResult) -> None:
    assert (sticky.estimator, sticky.stickiness) == ("chain", 0.8)
    first, second, third = sticky.candidates
    assert first["name"] == "chain-0.8"
    assert third["name"] == "joint"
    assert (first["finalist"], second["finalist"], third["finalist"]) == (True, True, False)
    assert (first["difference"], first["difference_error"]) == (0.0, 0.0)
    # The loser was trained for the first round alone, and is worse by many standard errors.
    assert (third["epochs"], first["epochs"]) == (2, 6)
    assert third["difference"] > 3 * third["difference_error"] > 0
    assert third["difference"] == pytest.approx(third["nll"] - first["nll"], abs=1e-9)


@pytest.mark.slow
def test_a_world_without_stickiness_gets_the_joint_likelihood(tmp_path: Path) -> None:
    result = train(training_job(snapshot(tmp_path / "data", 0.0), tmp_path / "checkpoints", **AUTO))
    assert (result.estimator, result.stickiness) == ("joint", 0.0)


@pytest.mark.slow
def test_the_stored_pair_is_the_chosen_one_with_its_calibration(sticky: TrainingResult) -> None:
    content = load_tensors(sticky.networks_path)
    assert content is not None
    pair = NetworkPair.from_state(content)
    assert (pair.traits.estimator, pair.traits.stickiness, pair.traits.own_attention) == (
        *("chain", 0.8, "smoothed"),
    )
    calibration = pair.calibration
    assert calibration["active_plays"] + calibration["passive_plays"] == 200 * 8
    for counts in calibration["histograms"].values():
        assert isinstance(counts, torch.Tensor)
        assert int(counts.sum()) == calibration["passive_plays"]


@pytest.mark.slow
def test_two_ranks_choose_the_same(sticky: TrainingResult, tmp_path: Path) -> None:
    job = training_job(snapshot(tmp_path / "data", 0.8), tmp_path / "checkpoints", **{**AUTO, "processes": 2})
    (results,) = on_ranks([(train_on_this_rank, (job,))])
    first, second = (TrainingResult(**result) for result in results)
    assert first.history == second.history
    assert first.candidates == second.candidates
    assert (first.estimator, first.stickiness) == (sticky.estimator, sticky.stickiness)


@pytest.mark.slow
def test_an_interrupted_selection_goes_on_to_the_same_end(sticky: TrainingResult, tmp_path: Path) -> None:
    manifest = snapshot(tmp_path / "data", 0.8)
    job = training_job(manifest, tmp_path / "checkpoints", **AUTO)
    train(dataclasses.replace(job, training=job.training.model_copy(update={"epochs": 3})))
    resumed = train(job)
    assert resumed.candidates == sticky.candidates
    assert resumed.history == sticky.history
