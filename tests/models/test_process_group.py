"""Sums between ranks: one process, and two that talk by gloo."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn

from tests.training_builders import on_ranks
from uae_model.core.errors import ModelError
from uae_model.models.process_group import Member, ProcessGroup, joined_process_group

WORLD_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")


def two_modules() -> list[nn.Module]:
    return [nn.Linear(3, 2), nn.Linear(2, 1, bias=False)]


def own_gradients(modules: list[nn.Module], rank: int) -> list[Tensor | None]:
    """Set and return different gradients on every rank; rank 1 has none for the first module."""
    gradients: list[Tensor | None] = []
    for index, parameter in enumerate(p for module in modules for p in module.parameters()):
        if not (rank == 1 and index < 2):
            parameter.grad = torch.arange(parameter.numel()).view_as(parameter) * 10.0**rank + index
        gradients.append(None if parameter.grad is None else parameter.grad.clone())
    return gradients


def gradients_of(modules: list[nn.Module]) -> list[Tensor]:
    return [p.grad.clone() for module in modules for p in module.parameters() if p.grad is not None]


def on_a_rank() -> dict[str, Any]:
    """Run as one of two processes."""
    with joined_process_group() as group:
        own = [1.5, 2.0] if group.rank == 0 else [10.0, -2.0]
        modules = two_modules()
        own_gradients(modules, group.rank)
        group.sum_gradients(modules)
        result = {
            "who": [group.rank, group.world_size, group.is_first],
            "device": group.device.type,
            "backend": dist.get_backend(),
            "sum": group.sum(torch.tensor(own, dtype=torch.float64)).tolist(),
            "counts": group.sum(torch.tensor([2**53 + group.rank, 7])).tolist(),
            "gradients": gradients_of(modules),
        }
    return {**result, "left": not dist.is_initialized()}


def threads_left_on_a_rank() -> list[str]:
    """Run as one of two processes; return the names of the threads after the group is left."""
    with joined_process_group() as group:
        module = nn.Linear(3, 2)
        module(torch.ones(1, 3)).sum().backward()
        group.sum_gradients([module])
        torch.optim.Adam(module.parameters()).step()
    return [Path(task, "comm").read_text().strip() for task in Path("/proc/self/task").iterdir()]


def waits_in_vain() -> str:
    """Run as one of two processes, of which rank 1 does not take part in a sum."""
    try:
        with joined_process_group(timedelta(seconds=1)) as group:
            if group.rank == 1:
                time.sleep(2.5)
            else:
                group.sum(torch.ones(1))
    except ModelError as error:
        return str(error)
    return f"process {os.getpid()} on {socket.gethostname()}"


@pytest.fixture(scope="module")
def two() -> list[dict[str, Any]]:
    return on_ranks([(on_a_rank, ())])[0]


@pytest.mark.slow
def test_a_rank_that_does_not_answer_is_named_after_the_timeout() -> None:
    waiting, silent = on_ranks([(waits_in_vain, ())])[0]
    assert waiting == (
        f"rank 0 waited 0.0166667 minutes (training.rank_timeout_minutes) in vain: silent: rank 1 ({silent})"
    )


@pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="states of processes come from Linux's /proc"
)
def test_a_process_that_is_stopped_is_known_as_such() -> None:
    sleeper = subprocess.Popen(["sleep", "60"])
    member = Member(1, sleeper.pid, socket.gethostname())
    assert not member.is_stopped
    sleeper.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
    assert member.is_stopped
    assert not Member(1, sleeper.pid, "another-host").is_stopped
    sleeper.kill()
    sleeper.wait()
    assert not member.is_stopped


@pytest.mark.slow
def test_two_ranks_know_who_they_are(two: list[dict[str, Any]]) -> None:
    assert [result["who"] for result in two] == [[0, 2, True], [1, 2, False]]
    assert [(result["device"], result["backend"]) for result in two] == [("cpu", "gloo")] * 2


@pytest.mark.slow
def test_two_ranks_leave_the_group(two: list[dict[str, Any]]) -> None:
    assert [result["left"] for result in two] == [True, True]


@pytest.mark.slow
def test_sums_of_two_ranks_are_the_same_on_both(two: list[dict[str, Any]]) -> None:
    assert [result["sum"] for result in two] == [[11.5, 0.0]] * 2
    assert [result["counts"] for result in two] == [[2**54 + 1, 14]] * 2  # counts stay integers


@pytest.mark.slow
def test_gradients_of_two_ranks_are_summed_and_none_counts_as_zero(two: list[dict[str, Any]]) -> None:
    alone = [own_gradients(two_modules(), rank) for rank in (0, 1)]
    expected = [
        first if second is None else first + second
        for first, second in zip(*alone, strict=True)
        if first is not None
    ]
    assert alone[1][:2] == [None, None]
    for result in two:
        for gradient, wanted in zip(result["gradients"], expected, strict=True):
            assert torch.equal(gradient, wanted)


def test_one_process_sums_with_nobody() -> None:
    assert ProcessGroup().is_first
    assert ProcessGroup().sum(torch.tensor([1.5, -2.0])).tolist() == [1.5, -2.0]


def test_one_process_keeps_its_gradients_and_fills_in_zeros() -> None:
    modules = two_modules()
    own = own_gradients(modules, rank=1)
    ProcessGroup().sum_gradients(modules)
    weight, bias, last = gradients_of(modules)
    assert torch.equal(weight, torch.zeros(2, 3))
    assert torch.equal(bias, torch.zeros(2))
    assert own[2] is not None
    assert torch.equal(last, own[2])


def test_a_process_that_nobody_announced_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in WORLD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with joined_process_group() as group:
        assert (group.rank, group.world_size, group.is_first) == (0, 1, True)
        assert not dist.is_initialized()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="names of threads come from Linux's /proc")
def test_no_thread_outlives_its_group() -> None:
    # One that does aborts the process at its end, now and then: it asks for an interpreter that is gone.
    for threads in on_ranks([(threads_left_on_a_rank, ())])[0]:
        assert threads
        assert not [name for name in threads if "gloo" in name]
