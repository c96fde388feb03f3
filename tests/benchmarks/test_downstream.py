"""What the downstream benchmark stands on: its plays, its files, its claims, its policies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.downstream.__main__ import merged
from benchmarks.downstream.__main__ import results_of as results_of_cases
from benchmarks.downstream.ab import Log as ArmLog
from benchmarks.downstream.ab import best_liked, best_of, lift, record
from benchmarks.downstream.cases import DownstreamCase, TrialFiles
from benchmarks.downstream.tables import claims, tables
from benchmarks.downstream.worlds import (
    ACTS_ON_DISLIKES,
    ACTS_ON_LIKES,
    GRIDS,
    SPLITS,
    evaluation_plays,
)
from benchmarks.estimators.simulated import simulate_plays
from uae_model.config import load_config
from uae_model.evaluation.plays import TEST, TRAIN
from uae_model.evaluation.trials import Trial, TrialResult
from uae_model.features.arrays import buckets_of
from uae_model.recommenders.fields import FieldSpace
from uae_model.recommenders.models import Recommender
from uae_model.simulation.setting import Offer
from uae_model.simulation.world import Block, World

WORLD = World(users=40, songs=200, days=9, attention_intercept=1.0, propensity_intercept=-1.0)
CONFIG = load_config(None)


def test_truth_and_features_are_of_the_same_plays() -> None:
    parts = {split: simulate_plays(WORLD, days, CONFIG) for split, days in SPLITS.items()}
    plays = evaluation_plays(WORLD, parts)
    assert len(plays) == sum(part.plays for part in parts.values())
    assert np.array_equal(plays.active_N[plays.split_N == TEST], parts[TEST].feedback_N > 0)
    assert (plays.split_N == TRAIN).sum() == parts[TRAIN].plays
    # One bucket, one user: the user's hash and the user's number stand in the same row.
    user = [feature.name for feature in CONFIG.features.categorical].index("user")
    pairs = set(zip(plays.categorical_NF[:, user].tolist(), plays.user_N.tolist(), strict=True))
    assert len(pairs) == len(set(plays.user_N.tolist()))
    assert plays.relevance_N is not None
    assert np.array_equal(plays.label_N[plays.active_N], plays.relevance_N[plays.active_N])
    assert (plays.label_N[~plays.active_N] == 1).all()


def results_of(**values: list[float]) -> list[TrialResult]:
    return [
        TrialResult(
            Trial("FM", weighting, seed),
            {"true_relevance.gauc_clicks": value, "mean_passive_weight": 0.2},
        )
        for weighting, by_seed in values.items()
        for seed, value in enumerate(by_seed)
    ]


def test_claims_hold_and_fail_as_they_are_measured() -> None:
    good = results_of(
        none=[0.50, 0.51, 0.52], constant=[0.52, 0.53, 0.54], uae=[0.51, 0.52, 0.53], auto=[0.55, 0.56, 0.571]
    )
    assert [claim.holds for claim in claims({"full": good})] == [True, True, True]
    close = results_of(
        none=[0.50, 0.51, 0.52],
        constant=[0.542, 0.551, 0.56],
        uae=[0.53, 0.54, 0.55],
        auto=[0.55, 0.56, 0.57],
    )
    checked = claims({"full": close})
    assert [claim.holds for claim in checked] == [True, False, False]
    assert (
        checked[2].line().startswith("FAILS: FM (three base models, every weighting): auto beats a constant")
    )
    blocks = tables({"full": close})
    text = blocks["downstream-full-true_relevance"]
    assert "| auto | 0.200 | 56.00 ± 1.00* (+5.00) |" in text
    assert "true relevance of every play" in text
    assert blocks["downstream-claims"].splitlines() == [f"- {claim.line()}" for claim in checked]


def test_trials_outlive_a_kill(tmp_path: Path) -> None:
    files = TrialFiles(tmp_path / "cells.jsonl")
    assert files.known() == {}
    files.save("a", TrialResult(Trial("FM", "none", 1), {"m": 0.5}))
    files.save("b", TrialResult(Trial("FM", "auto", 1), {"m": 0.75}))
    with (tmp_path / "cells.jsonl").open("a") as file:
        file.write('{"key": "c", "metr')
    assert files.known() == {"a": {"m": 0.5}, "b": {"m": 0.75}}


def test_equal_trials_of_two_grids_are_computed_once() -> None:
    grids = [GRIDS["full"], GRIDS["functions"], GRIDS["likes"]]
    asked = [{DownstreamCase.of(grid, 1, 40): grid.trials(1)} for grid in grids]
    wanted = merged(asked)
    assert [case.liking_effect for case in wanted] == [ACTS_ON_DISLIKES, ACTS_ON_LIKES]
    first, second = wanted.values()
    assert len(first) == len(set(first)) == len({*asked[0].popitem()[1], *asked[1].popitem()[1]})
    assert list(second) == GRIDS["likes"].trials(1)
    measured = {
        case: {"cells": [{**vars(trial), "metrics": {"number": float(n)}} for n, trial in enumerate(trials)]}
        for case, trials in wanted.items()
    }
    likes = results_of_cases(measured, {DownstreamCase.of(grids[2], 1, 40): grids[2].trials(1)})
    assert [result.metrics["number"] for result in likes] == [float(n) for n in range(len(second))]


class Lover(torch.nn.Module):
    """Gives songs a probability by their bucket."""

    def forward(self, columns: dict[str, torch.Tensor]) -> torch.Tensor:
        return columns["song"].float() / 20_000


def test_a_policy_plays_the_offered_song_that_its_model_ranks_highest() -> None:
    log = ArmLog()
    totals = record(log, WORLD, 0, None, CONFIG)
    assert totals["plays"] == log.encoded[0].plays == len(log.labels[0])
    space = FieldSpace.fit(CONFIG.features, log.encoded[0].numeric_NF)
    offer = Offer(
        user_N=np.array([3, 4]),
        device_N=np.array([0, 1]),
        source_N=np.array([3, 4]),
        hour_N=np.array([20, 8]),
        position_N=np.array([2, 5]),
        song_NK=np.arange(20).reshape(2, 10),
    )
    chosen_N = best_of(offer, Recommender(Lover(), space.names), space, WORLD, CONFIG, Block(1, 0))
    buckets = CONFIG.features.categorical
    song = next(feature for feature in buckets if feature.name == "song")
    bucket_NK = buckets_of(offer.song_NK.ravel().tolist(), song.buckets).reshape(2, 10)
    assert chosen_N.tolist() == [int(bucket_NK[0].argmax()), 10 + int(bucket_NK[1].argmax())]


def test_the_ceiling_keeps_listeners_longer_than_popularity() -> None:
    world = replace(WORLD, leaving=0.5)
    popular, liked = (record(ArmLog(), world, 0, policy, CONFIG) for policy in (None, best_liked(world)))
    assert liked["plays"] > 1.05 * popular["plays"]
    assert liked["hours"] > 1.05 * popular["hours"]


def test_the_lift_is_paired_by_population() -> None:
    runs = [
        {"control": [{"plays": 100.0}], "treatment": [{"plays": 110.0}]},
        {"control": [{"plays": 200.0}], "treatment": [{"plays": 240.0}]},
    ]
    band = lift(runs, "plays")
    assert band.mean_T[0] == pytest.approx(0.15)
    assert band.low_T[0] < 0 < band.high_T[0]  # two populations tell little
    other = [{"control": population["control"], "ceiling": [{"plays": 300.0}]} for population in runs]
    assert lift(other, "plays", "ceiling").mean_T[0] == pytest.approx(1.25)
