"""The processes of a training run and the sums between them.

Rank information is injected: nothing else reads the environment or calls torch.distributed, so the same
code runs under TorchDistributor, under plain torchrun and in one process.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

# Its functions take the process group of the moment of this import as a default. The optimizers import it;
# if they did so first, after joining, the group would never go, and its threads abort a process that ends.
import torch.distributed.nn.functional
from torch import Tensor, nn

from uae_model.core.errors import ModelError

TIMEOUT = timedelta(minutes=5)
TIMED_OUT = re.compile(r"timed? ?out", re.IGNORECASE)
"""What gloo and nccl say of a wait that was too long."""


@dataclass(frozen=True)
class ProcessGroup:
    """This process's place in the group: its rank, the group's size, and the device of its tensors."""

    rank: int = 0
    world_size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def is_first(self) -> bool:
        """Whether this process writes checkpoints, metrics and the result."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Return the element-wise sum over all ranks."""
        if self.world_size > 1:
            dist.all_reduce(values)
        return values

    def sum_gradients(self, modules: Iterable[nn.Module]) -> None:
        """Replace every gradient by its sum over all ranks, in one message.

        A parameter without a gradient (a rank without data) counts as zero.
        """
        parameters = [parameter for module in modules for parameter in module.parameters()]
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.world_size == 1 or not parameters:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()


@dataclass(frozen=True)
class Member:
    """A process of the group, as the others know it."""

    rank: int
    process: int
    host: str

    def __str__(self) -> str:
        return f"rank {self.rank} (process {self.process} on {self.host})"

    @property
    def is_stopped(self) -> bool:
        """Whether the process is there but does not run; known of this machine alone, from Linux's /proc."""
        file = Path(f"/proc/{self.process}/stat")
        if self.host != socket.gethostname() or not file.exists():
            return False
        return file.read_text().rpartition(") ")[2][:1] in ("T", "t")


@contextmanager
def joined_process_group(timeout: timedelta = TIMEOUT) -> Iterator[ProcessGroup]:
    """Join the process group that torchrun or TorchDistributor announces in the environment.

    nccl where each local process has a GPU of its own, gloo otherwise; one process joins nothing.

    Args:
        timeout: how long this process waits for the others, at the start and in every sum.

    Raises:
        ModelError: if another rank did not answer in that time, naming it.
    """
    world_size = int(os.environ.get("WORLD_SIZE", "1"))
    rank = int(os.environ.get("RANK", "0"))
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    local_world_size = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    on_gpu = torch.cuda.is_available() and torch.cuda.device_count() >= local_world_size
    device = torch.device("cuda", local_rank) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    if world_size == 1:
        yield ProcessGroup(device=device)
        return
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=timeout)
    try:
        members = _members(rank, world_size)
        with _naming_the_silent(members, rank, timeout):
            yield ProcessGroup(rank, world_size, device)
    finally:
        dist.destroy_process_group()


def _members(rank: int, world_size: int) -> list[Member]:
    members: list[Member] = [Member(rank, 0, "")] * world_size
    dist.all_gather_object(members, Member(rank, os.getpid(), socket.gethostname()))
    return members


@contextmanager
def _naming_the_silent(members: Sequence[Member], rank: int, timeout: timedelta) -> Iterator[None]:
    """Turn torch's word on a wait that was too long into one that names the ranks that do not answer."""
    try:
        yield
    except RuntimeError as error:
        if not TIMED_OUT.search(str(error)):
            raise
        others = [member for member in members if member.rank != rank]
        stopped = [member for member in others if member.is_stopped]
        named = ", ".join(map(str, stopped or others))
        state = "stopped" if stopped else "silent"
        raise ModelError(
            f"rank {rank} waited {timeout.total_seconds() / 60:g} minutes (training.rank_timeout_minutes) in "
            f"vain: {state}: {named}"
        ) from error
