"""The loader: every session once, in batches of one padded length, in an order that the arguments fix."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training_builders import SHAPE, SmallSession, small_sessions, write_snapshot_files
from uae_model.config import FeatureSet
from uae_model.models.batch import SessionBatch
from uae_model.models.process_group import ProcessGroup
from uae_model.snapshot.loader import session_batches
from uae_model.snapshot.manifest import Manifest

PADDED = (4, 8)


def stored_sessions() -> list[SmallSession]:
    lengths = np.random.default_rng(1).integers(1, 9, size=83)
    sessions = small_sessions(lengths.tolist(), seed=1)
    for session in sessions[::7]:
        session.numeric_TF[-1, 1] = np.nan  # a missing number
    return sessions


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    held_out = small_sessions([3, 8, 1], first=400)
    return write_snapshot_files(tmp_path_factory.mktemp("snapshot"), stored_sessions(), held_out)


def read(
    manifest: Manifest,
    *,
    rank: int = 0,
    world: int = 1,
    batch_plays: int = 48,
    seed: int = 1,
    shuffle: bool = True,
) -> list[SessionBatch]:
    batches = session_batches(
        manifest,
        manifest.train,
        SHAPE,
        ProcessGroup(rank, world),
        batch_plays=batch_plays,
        seed=seed,
        shuffle=shuffle,
    )
    return list(batches)


def numbers(batches: Sequence[SessionBatch]) -> list[int]:
    """Return the sessions in the order of the batches."""
    return [number for batch in batches for number in batch.categorical_BTF[:, 0, 0].tolist()]


def require_equal(batches: Sequence[SessionBatch], sessions: Sequence[SmallSession]) -> None:
    """Fail unless the batches hold exactly these sessions, each once and with all its values."""
    stored = {session.number: session for session in sessions}
    assert sorted(numbers(batches)) == sorted(stored)
    for batch in batches:
        for b, number in enumerate(batch.categorical_BTF[:, 0, 0].tolist()):
            session = stored[number]
            real_T = batch.mask_BT[b].numpy()
            # The mask is true on the first steps, one for each play.
            assert real_T.tolist() == [step < session.length for step in range(len(real_T))]
            np.testing.assert_array_equal(batch.categorical_BTF[b].numpy()[real_T], session.categorical_TF)
            np.testing.assert_array_equal(batch.numeric_BTF[b].numpy()[real_T], session.numeric_TF)
            np.testing.assert_array_equal(batch.feedback_BT[b].numpy()[real_T], session.feedback_T)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("world", [1, 2, 3])
def test_the_ranks_read_every_session_once(manifest: Manifest, world: int, shuffle: bool) -> None:
    by_rank = [read(manifest, rank=rank, world=world, shuffle=shuffle) for rank in range(world)]
    assert all(by_rank)
    together = [batch for batches in by_rank for batch in batches]
    require_equal(together, stored_sessions())
    assert sum(batch.sessions for batch in together) == manifest.train.sessions
    assert sum(batch.plays for batch in together) == manifest.train.plays


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    lengths=st.lists(st.integers(1, 12), min_size=1, max_size=40),
    row_group=st.integers(1, 9),
    world=st.integers(1, 3),
    batch_plays=st.integers(1, 100),
    seed=st.integers(0, 2**40),
    shuffle=st.booleans(),
)
def test_any_snapshot_is_read_once_in_batches_of_bounded_cost(
    lengths: list[int], row_group: int, world: int, batch_plays: int, seed: int, shuffle: bool
) -> None:
    sessions = small_sessions(lengths)
    with TemporaryDirectory() as folder:
        manifest = write_snapshot_files(
            Path(folder),
            sessions,
            small_sessions([1]),
            padded_lengths=(3, 7, 12),
            row_group=row_group,
        )
        together = []
        for rank in range(world):
            batches = read(
                manifest, rank=rank, world=world, batch_plays=batch_plays, seed=seed, shuffle=shuffle
            )
            require_bounded(batches, batch_plays, {3, 7, 12})
            together += batches
    require_equal(together, sessions)


def require_bounded(batches: Sequence[SessionBatch], batch_plays: int, padded: set[int]) -> None:
    """Fail unless the batches are as large as they may be, but for one of each padded length."""
    sessions: Counter[int] = Counter()
    count: Counter[int] = Counter()
    for batch in batches:
        steps = batch.mask_BT.shape[1]
        assert steps in padded
        assert batch.sessions == 1 or batch.sessions * steps <= batch_plays
        sessions[steps] += batch.sessions
        count[steps] += 1
    for steps, total in sessions.items():
        assert count[steps] == math.ceil(total / max(1, batch_plays // steps))


@pytest.mark.parametrize("batch_plays", [1, 8, 31, 48, 10_000])
def test_a_batch_has_one_padded_length_and_bounded_steps(manifest: Manifest, batch_plays: int) -> None:
    batches = read(manifest, batch_plays=batch_plays)
    require_bounded(batches, batch_plays, set(PADDED))
    assert {batch.mask_BT.shape[1] for batch in batches} == set(PADDED)


def test_shapes_and_kinds(manifest: Manifest) -> None:
    for batch in read(manifest):
        sessions, steps = batch.mask_BT.shape
        assert batch.categorical_BTF.shape == (sessions, steps, 2)
        assert batch.numeric_BTF.shape == (sessions, steps, 2)
        assert batch.feedback_BT.shape == (sessions, steps)
        kinds = [batch.categorical_BTF.dtype, batch.numeric_BTF.dtype, batch.feedback_BT.dtype]
        assert kinds == [torch.int64, torch.float32, torch.float32]
        assert batch.mask_BT.dtype == torch.bool


@pytest.mark.parametrize(("rank", "world"), [(0, 1), (1, 2)])
def test_the_same_arguments_give_the_same_batches(manifest: Manifest, rank: int, world: int) -> None:
    first, second = (read(manifest, rank=rank, world=world, seed=9) for _ in range(2))
    for batch, again in zip(first, second, strict=True):
        for name, tensor in vars(batch).items():
            torch.testing.assert_close(tensor, getattr(again, name), rtol=0, atol=0, equal_nan=True)


def test_another_seed_gives_another_order(manifest: Manifest) -> None:
    orders = [numbers(read(manifest, seed=seed)) for seed in (1, 2, 3)]
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert sorted(orders[0]) == sorted(orders[1]) == sorted(orders[2])


@pytest.mark.parametrize("seed", [1, 2])
def test_without_shuffling_sessions_of_one_length_keep_the_order_of_the_files(
    manifest: Manifest, seed: int
) -> None:
    batches = read(manifest, shuffle=False, seed=seed)
    for shortest, longest in ((1, 4), (5, 8)):
        in_file = [s.number for s in stored_sessions() if shortest <= s.length <= longest]
        assert numbers([batch for batch in batches if batch.mask_BT.shape[1] == longest]) == in_file


def test_a_batch_mixes_sessions_of_several_row_groups(manifest: Manifest) -> None:
    """Row groups hold five neighbours, so a batch of unmixed ones would have neighbours only."""
    short = [s.number for s in stored_sessions() if s.length <= 4]
    group_of = {number: place // 5 for place, number in enumerate(short)}
    batches = [batch for batch in read(manifest, batch_plays=20) if batch.mask_BT.shape[1] == 4]
    mixed = [len({group_of[number] for number in numbers([batch])}) for batch in batches]
    assert sum(mixed) / len(mixed) > 2


def test_epochs_do_not_repeat_each_others_batches(manifest: Manifest) -> None:
    first, second = (
        {frozenset(numbers([batch])) for batch in read(manifest, seed=seed, batch_plays=32)}
        for seed in (1, 2)
    )
    assert len(first & second) < len(first) / 4


def test_a_snapshot_without_numeric_features(manifest: Manifest) -> None:
    features = FeatureSet(manifest.features.categorical)
    bare = dataclasses.replace(manifest, features=features, numeric_mean=(), numeric_deviation=())
    shape = dataclasses.replace(SHAPE, numeric=0)
    batches = list(session_batches(bare, bare.train, shape, ProcessGroup(), batch_plays=48, seed=1))
    assert all(batch.numeric_BTF.shape == (*batch.mask_BT.shape, 0) for batch in batches)
    assert [batch.plays for batch in batches] == [batch.plays for batch in read(manifest)]
    assert numbers(batches) == numbers(read(manifest))


def test_the_splits_are_read_apart(manifest: Manifest) -> None:
    batches = list(
        session_batches(
            manifest, manifest.validation, SHAPE, ProcessGroup(), batch_plays=48, seed=1, shuffle=False
        )
    )
    require_equal(batches, small_sessions([3, 8, 1], first=400))
