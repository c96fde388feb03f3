"""Two processes train as one, with shares of different size."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.training.loop_builders import Checkpoints, networks, nlls, same
from tests.training_builders import (
    SHAPE,
    on_ranks,
    small_sessions,
    train,
    training_job,
    with_counts,
    write_snapshot_files,
)
from uae_model.core.errors import ContractError
from uae_model.models.process_group import ProcessGroup
from uae_model.snapshot.loader import session_batches
from uae_model.snapshot.manifest import Manifest
from uae_model.training.job import TrainingJob, TrainingResult
from uae_model.training.loop import train_on_this_rank

# Two processes: 15 sessions in three row groups of five, so that rank 0 has 10 sessions and rank 1 has 5;
# of the seven sessions of the validation days they have 5 and 2.
UNEVEN = {"epochs": 3, "patience": 3, "batch_plays": 16, "checkpoint_steps": 2, "processes": 2}
IN_ONE_BATCH = {"epochs": 3, "patience": 3, "batch_plays": 15 * 8}


def train_and_keep(job: TrainingJob, copies: Path) -> dict[str, Any]:
    """Train as one of several ranks; rank 0 keeps a copy of every checkpoint."""
    kept = Checkpoints(copies=copies)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("uae_model.training.fit.save_tensors", kept.save)
        return train_on_this_rank(job)


def go_on(job: TrainingJob, checkpoint: Path) -> dict[str, Any]:
    """Train on from a copied checkpoint; every rank reads and writes a folder of its own."""
    folder = Path(job.checkpoint_folder) / os.environ["RANK"]
    folder.mkdir(parents=True)
    shutil.copy(checkpoint, folder / "uae.pt")
    return train_on_this_rank(dataclasses.replace(job, checkpoint_folder=str(folder)))


def refusal(job: TrainingJob) -> str:
    """Return why a rank refuses to train."""
    try:
        train_on_this_rank(job)
    except ContractError as error:
        return str(error)
    return ""


@dataclasses.dataclass(frozen=True)
class TwoRanks:
    """What both ranks return, run by run, and what they read."""

    manifest: Manifest
    folder: Path
    in_one_batch: Sequence[TrainingResult]
    uneven: Sequence[TrainingResult]
    again: Sequence[TrainingResult]
    resumed: Sequence[Sequence[TrainingResult]]
    refusals: Sequence[str]


@pytest.mark.slow
class TestTwoRanks:
    RESUMED_FROM = (2, 4)
    """Of the checkpoints after 2, 4 and 5 steps of an epoch: where rank 1 has run out, and in epoch 1."""

    @pytest.fixture(scope="class")
    @classmethod
    def two(cls, tmp_path_factory: pytest.TempPathFactory) -> TwoRanks:
        folder = tmp_path_factory.mktemp("two")
        train_days = small_sessions([8, 3, 5, 8, 1, 2, 7, 8, 4, 6, 8, 8, 8, 8, 8], seed=5)
        held_out = small_sessions([8, 2, 4, 4, 6, 1, 8], seed=6, first=100)
        manifest = write_snapshot_files(folder / "snapshot", train_days, held_out, padded_lengths=(8,))
        wrong = write_snapshot_files(folder / "wrong", train_days, held_out, padded_lengths=(8,))
        wrong = with_counts(wrong, plays=wrong.train.plays + 1)

        def job(name: str, changes: dict[str, int], of: Manifest = manifest) -> TrainingJob:
            return training_job(of, folder / name, **changes)

        calls: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
            (train_on_this_rank, (job("in-one-batch", IN_ONE_BATCH),)),
            (train_and_keep, (job("uneven", UNEVEN), folder / "copies")),
            (train_on_this_rank, (job("again", UNEVEN),)),
            *(
                (go_on, (job(f"from-{number}", UNEVEN), folder / "copies" / f"{number}.pt"))
                for number in cls.RESUMED_FROM
            ),
            (refusal, (job("wrong", UNEVEN, wrong),)),
        ]
        *trained, refusals = on_ranks(calls)
        results = [[TrainingResult(**content) for content in by_rank] for by_rank in trained]
        in_one_batch, uneven, again, *resumed = results
        return TwoRanks(manifest, folder, in_one_batch, uneven, again, resumed, refusals)

    def test_the_shards_are_uneven(self, two: TwoRanks) -> None:
        batches, sessions = [], []
        for rank in (0, 1):
            shard = list(
                session_batches(
                    two.manifest, two.manifest.train, SHAPE, ProcessGroup(rank, 2), batch_plays=16, seed=1
                )
            )
            batches.append(len(shard))
            sessions.append(sum(batch.sessions for batch in shard))
        assert (batches, sessions) == ([5, 3], [10, 5])

    def test_both_have_the_same_metrics_of_all_rows(self, two: TwoRanks) -> None:
        for first, second in (two.in_one_batch, two.uneven):
            assert first == second
            assert len(first.history) == 3
            for metrics in first.history:
                assert (metrics["validation_sessions"], metrics["validation_plays"]) == (7, 33)

    def test_their_batches_together_train_like_one_processs_batch(
        self, two: TwoRanks, tmp_path: Path
    ) -> None:
        one = train(training_job(two.manifest, tmp_path, **IN_ONE_BATCH))
        result = two.in_one_batch[0]
        for metrics, expected in zip(result.history, one.history, strict=True):
            assert metrics == pytest.approx(expected, abs=1e-4)
        assert nlls(one)[0] != pytest.approx(nlls(one)[2], abs=1e-2)

    def test_the_same_seed_gives_the_same_losses_and_networks(self, two: TwoRanks) -> None:
        first, again = two.uneven[0], two.again[0]
        assert again.history == first.history
        assert same(networks(again), networks(first))

    def test_they_go_on_from_a_checkpoint_to_the_same_losses_and_networks(self, two: TwoRanks) -> None:
        assert len(list((two.folder / "copies").iterdir())) == 9
        for first, second in two.resumed:
            assert first.history == second.history == two.uneven[0].history
            assert same(networks(first), networks(two.uneven[0]))

    def test_only_the_first_writes(self, two: TwoRanks) -> None:
        for first, second in two.resumed:
            assert Path(first.networks_path).exists()
            assert not Path(second.networks_path).exists()

    def test_both_refuse_a_snapshot_that_holds_other_rows(self, two: TwoRanks) -> None:
        plays = two.manifest.train.plays
        message = f"epoch 0, train: read 15 sessions and {plays} plays, the snapshot has 15 and {plays + 1}"
        assert list(two.refusals) == [message] * 2
