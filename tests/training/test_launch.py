"""A training whose ranks die."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.training_builders import NETWORK, training_settings
from uae_model.core.errors import ModelError
from uae_model.core.logs import configure_logs
from uae_model.training import launch as module
from uae_model.training.job import TrainingJob


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Any], Any]:
    """Return a function that launches two ranks of a function in the place of training."""
    job = TrainingJob("nowhere", NETWORK, training_settings(processes=2), str(tmp_path))

    def call(on_rank: Callable[[TrainingJob], Any]) -> Any:
        monkeypatch.setattr(module, "train_on_this_rank", on_rank)
        return module.run_training(job)

    return call


@pytest.mark.slow
def test_a_killed_rank_is_one_line_and_one_event(
    spark: SparkSession, run: Callable[[Any], Any], capfd: pytest.CaptureFixture[str]
) -> None:
    def dies(job: Any) -> None:  # local, so that it is pickled by value
        import os
        import sys
        import time

        sys.stdout.write("a warning of some library\n")
        if os.environ["RANK"] == "1":
            os.kill(os.getpid(), 9)
        time.sleep(60)

    configure_logs()
    with pytest.raises(ModelError) as failure:
        run(dies)
    assert str(failure.value) == (
        "training failed: rank 1 was ended by signal 9 (SIGKILL): perhaps the memory did not suffice; what "
        'all ranks said is in the log under "a rank died"; run the same command again: it goes on from the '
        "last checkpoint"
    )
    captured = capfd.readouterr()
    assert captured.out == ""
    told = [json.loads(line) for line in captured.err.splitlines() if line.startswith("{")]
    assert [event["event"] for event in told] == ["training started", "a rank died"]
    assert "a warning of some library" in told[-1]["output"]
    assert len(captured.err.splitlines()) <= 4  # Spark's launcher may say that it started
    assert signal.Signals(9).name in told[-1]["cause"]
    assert os.environ["OMP_NUM_THREADS"]
