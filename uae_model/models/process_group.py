"""The processes of a training run and the sums between them.

Rank information is injected: nothing else reads the environment or calls torch.distributed, so the same
code runs under TorchDistributor, under plain torchrun and in one process.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
import torch.distributed as dist

# Its functions take the process group of the moment of this import as a default. The optimizers import it;
# if they did so first, after joining, the group would never go, and its threads abort a process that ends.
import torch.distributed.nn.functional
from torch import Tensor, nn


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


@contextmanager
def joined_process_group() -> Iterator[ProcessGroup]:
    """Join the process group that torchrun or TorchDistributor announces in the environment.

    nccl where each local process has a GPU of its own, gloo otherwise; one process joins nothing.
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
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield ProcessGroup(rank, world_size, device)
    finally:
        dist.destroy_process_group()
