"""Starting the training processes from Spark's driver."""

from __future__ import annotations

import logging
import os
import traceback
from contextlib import redirect_stdout
from typing import Any

from pyspark.ml.torch.distributor import TorchDistributor

from uae_model.core.errors import ModelError
from uae_model.core.logs import log
from uae_model.core.scratch import temporary_files_here
from uae_model.training.job import TrainingJob, TrainingResult
from uae_model.training.loop import train_on_this_rank
from uae_model.training.rank_output import RankOutput, cause_of_death


def run_training(job: TrainingJob) -> TrainingResult:
    """Run the job on ``training.processes`` ranks and return what rank 0 returns.

    Ranks run on the driver's machine (``driver``) or as one barrier stage of Spark tasks (``cluster``),
    which needs as many free task slots as there are processes.

    Raises:
        ModelError: if a rank died, saying which and how; all that the ranks said is one event of the log.
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
    content: dict[str, Any] | None = None
    failure: Exception | None = None
    # It prints what the ranks say, progress bars included; standard output is for the job's summary.
    with RankOutput() as output, redirect_stdout(output), temporary_files_here():
        try:
            content = distributor.run(train_on_this_rank, job)
        except Exception as error:  # noqa: BLE001 - Spark's, Java's or the launcher's own
            failure = error
    if content is None:
        raise _death(output, failure)
    if output.lines:
        log("the ranks said", lines=list(output.lines))
    return TrainingResult(**content)


def _death(output: RankOutput, failure: Exception | None) -> ModelError:
    """Return the error of a training whose ranks gave nothing, and log what they said."""
    launcher = "".join(traceback.format_exception(failure)) if failure else ""
    cause = cause_of_death([*output.lines, *launcher.splitlines()])
    log("a rank died", logging.ERROR, cause=cause, output=list(output.lines), traceback=launcher)
    return ModelError(
        f'training failed: {cause}; what all ranks said is in the log under "a rank died"; run the same '
        "command again: it goes on from the last checkpoint"
    )


def _driver_has_gpus(processes: int) -> bool:
    import torch

    return torch.cuda.is_available() and torch.cuda.device_count() >= processes
