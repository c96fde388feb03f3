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
    FEATURES,
    SmallSession,
    on_ranks,
    train,
    training_job,
    training_settings,
    write_snapshot_files,
)
from uae_model.config import FeatureSet
from uae_model.models.attention_chain import ChainLaw
from uae_model.models.pair import NetworkPair
from uae_model.snapshot.manifest import Manifest
from uae_model.training.candidates import (
    Candidate,
    accidental_candidates,
    candidates_of,
    diagnostic_candidate,
)
from uae_model.training.comparison import Comparison, best_candidate
from uae_model.training.job import TrainingResult, load_tensors
from uae_model.training.loop import train_on_this_rank

AUTO: dict[str, Any] = {
    **{"estimator": "auto", "candidates": ("joint", "chain"), "stickiness": (0.4, 0.8)},
    **{
        "feature_roles": True,
        "epochs": 6,
        "patience": 6,
        "batch_plays": 256,
        "accidental": (),
        "diagnose_roles": False,
    },
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
        *("chain-0.4", "chain-0.8", "unrestricted_chain-0.4", "unrestricted_chain-0.8")
    ]
    alone = training_settings(estimator="unrestricted_chain", stickiness=(0.4,))
    assert candidates_of(alone) == [Candidate("unrestricted_chain", 0.4)]


def test_the_best_candidates_are_tried_with_shares_of_the_active_plays_as_accidents() -> None:
    best = [Candidate("chain", 0.7), Candidate("joint"), Candidate("uae")]
    wider = accidental_candidates(best, training_settings(accidental=(0.1, 0.3)), active_rate=0.0912345)
    assert [candidate.name for candidate in wider] == [
        *("chain-0.7-accidental-0.00912", "chain-0.7-accidental-0.0274"),
        *("joint-accidental-0.00912", "joint-accidental-0.0274"),
    ]
    assert wider[1].law == ChainLaw(0.7, 0.0274)


def test_the_chosen_chain_without_roles_is_the_diagnosis() -> None:
    settings = training_settings(feature_roles=True, unrestricted_stickiness=0.6)
    assert diagnostic_candidate(Candidate("joint"), settings) == Candidate("unrestricted_chain", 0.6)
    assert diagnostic_candidate(Candidate("chain", 0.9, 0.01), settings) == Candidate(
        "unrestricted_chain", 0.9, 0.01
    )
    assert diagnostic_candidate(Candidate("uae"), settings) is None
    for changes in (
        {"feature_roles": False},
        {"diagnose_roles": False},
        {"candidates": ("chain", "unrestricted_chain")},
    ):
        assert diagnostic_candidate(Candidate("joint"), settings.model_copy(update=changes)) is None


def compared(name: str, difference: float, error: float, **other: Any) -> Comparison:
    numbers = {"nll": 0.2 + difference, "nll_error": 0.01, "epochs": 5, "collapsed": False}
    means = {"mean_attention": 0.3, "mean_propensity": 0.3}
    assumed = {"estimator": name, "stickiness": 0.7, "accidental": 0.0, **numbers, **means, **other}
    return Comparison(name=name, difference=difference, difference_error=error, **assumed)


def free(difference: float, error: float) -> Comparison:
    return compared("free", difference, error, disregards_roles=True)


def eps(difference: float, error: float) -> Comparison:
    return compared("eps", difference, error, accidental=0.02)


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        # within two standard errors the declared roles are kept, beyond they are not
        ([free(0.0, 0.0), compared("chain", 0.0006, 0.0003)], "chain"),
        ([free(0.0, 0.0), compared("chain", 0.0007, 0.0003)], "free"),
        ([compared("chain", 0.0, 0.0), free(0.0001, 0.0003)], "chain"),
        ([free(0.0, 0.0), free(0.0, 0.1)], "free"),
        # accidental feedback is believed from one standard error on
        ([eps(0.0, 0.0), compared("chain", 0.0003, 0.0003)], "chain"),
        ([eps(0.0, 0.0), compared("chain", 0.0004, 0.0003)], "eps"),
        # a diagnosis is never kept, however good
        ([compared("cure", 0.0, 0.0, diagnostic=True), compared("chain", 0.5, 0.0003)], "chain"),
    ],
)
def test_who_assumes_more_must_be_clearly_better(candidates: list[Comparison], expected: str) -> None:
    assert candidates[best_candidate(candidates)].name == expected


def test_what_an_earlier_release_recorded_can_still_be_read() -> None:
    recorded = dataclasses.asdict(compared("chain", 0.0, 0.0))
    del recorded["accidental"], recorded["diagnostic"]
    assert Comparison.recorded({**recorded, "finalist": True}) == compared("chain", 0.0, 0.0)


@pytest.mark.slow
def test_of_a_large_window_candidates_see_a_part_and_the_chosen_one_all(tmp_path: Path) -> None:
    small = {**AUTO, "stickiness": (0.8,), "epochs": 2, "selection_plays": 1_600, "diagnose_roles": True}
    checkpoints = tmp_path / "checkpoints"
    result = train(training_job(snapshot(tmp_path / "data", 0.8), checkpoints, **small))
    steps = {}
    for path in checkpoints.glob("*-*.pt"):
        content = load_tensors(str(path))
        assert content is not None
        steps[path.stem] = content["progress"]["total_steps"]
    # 400 sessions of 8 plays, 32 sessions a batch: 13 batches; 1,600 plays are reached in the seventh.
    assert steps == {
        **{"joint-1600": 14, "chain-0.8-1600": 14, "unrestricted_chain-0.8-1600": 14},
        "chain-0.8": 26,
    }
    assert len(result.history) == 2
    assert result.candidates[0]["name"] == "chain-0.8"


@pytest.mark.slow
def test_roles_that_are_wrong_are_doubted(tmp_path: Path) -> None:
    roles = {**AUTO, "stickiness": (0.8,), "epochs": 4, "diagnose_roles": True}
    right = train(training_job(snapshot(tmp_path / "data", 0.8), tmp_path / "right", **roles))
    # The feature that moves attention is declared one of preference, and the other way round.
    swapped = tuple(feature.with_role_swapped() for feature in FEATURES)
    manifest = dataclasses.replace(snapshot(tmp_path / "swapped data", 0.8), features=FeatureSet(swapped))
    manifest.save()
    wrong = train(training_job(manifest, tmp_path / "wrong", **roles))
    assert wrong.metrics["roles_doubt"] > 2 > right.metrics["roles_doubt"]
    assert wrong.estimator != "unrestricted_chain"


@pytest.fixture(scope="module")
def sticky(tmp_path_factory: pytest.TempPathFactory) -> TrainingResult:
    folder = tmp_path_factory.mktemp("sticky")
    return train(training_job(snapshot(folder / "data", 0.8), folder / "checkpoints", **AUTO))


@pytest.mark.slow
def test_a_sticky_world_gets_the_chain(sticky: TrainingResult) -> None:
    assert (sticky.estimator, sticky.stickiness) == ("chain", 0.8)
    first, *_, last = sticky.candidates
    assert first["name"] == "chain-0.8"
    assert last["name"] == "joint"
    assert {candidate["epochs"] for candidate in sticky.candidates} == {6}
    assert (first["difference"], first["difference_error"]) == (0.0, 0.0)
    assert last["difference"] > 3 * last["difference_error"] > 0
    assert last["difference"] == pytest.approx(last["nll"] - first["nll"], abs=1e-9)


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
