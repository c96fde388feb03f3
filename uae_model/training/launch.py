"""Starting the training processes from Spark's driver."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import Any

from pyspark.ml.torch.distributor import TorchDistributor

from uae_model.core.errors import ModelError
from uae_model.core.logs import log
from uae_model.training.job import TrainingJob, TrainingResult
from uae_model.training.loop import train_on_this_rank


def run_training(job: TrainingJob) -> TrainingResult:
    """Run the job on ``training.processes`` ranks and return what rank 0 returns.

    Ranks run on the driver's machine (``driver``) or as one barrier stage of Spark tasks (``cluster``),
    which needs as many free task slots as there are processes.
    """
    settings = job.training
    use_gpu = _driver_has_gpus(settings.processes)
    log("training started", processes=settings.processes, where=settings.distributed, gpu=use_gpu)
    # Ranks on one machine share its cores; without this every one of them would take all.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // settings.processes)))
    distributor = TorchDistributor(
        num_processes=settings.processes,
        local_mode=settings.distributed == "driver",
        use_gpu=use_gpu,
    )
    # It prints what the ranks say, progress bars included; standard output is for the job's summary.
    with redirect_stdout(sys.stderr):
        content: dict[str, Any] | None = distributor.run(train_on_this_rank, job)
    if content is None:
        raise ModelError("training ended without a result; see the ranks' output above")
    return TrainingResult(**content)


def _driver_has_gpus(processes: int) -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.device_count() >= processes
