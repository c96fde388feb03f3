"""A real standalone cluster on loopback: a night that scripts/submit.sh runs there gives the local tables."""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyspark
import pytest

from tests.cluster.conftest import Undisturbed
from tests.cluster.runs import (
    LAST_TRAINED,
    REPOSITORY,
    Process,
    Workbench,
    night_arguments,
    require_same_rows,
    start,
)
from tests.conftest import TEST_SPARK_CONF

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1200)]

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
DEPLOY = "org.apache.spark.deploy"
TORCH = re.compile(r"(torch|torchgen|functorch|triton|nvidia|cuda)([-_].*)?")
"""What the archive leaves to the machines."""

SITE_CONF = """
# As tests/spark.conf, which comes before: tiny tables, and other partitions than in local mode.
spark.executor.extraJavaOptions   -XX:+UseSerialGC -XX:TieredStopAtLevel=1
spark.sql.shuffle.partitions  5
spark.master                  {master}
spark.driver.host             127.0.0.1
spark.driver.bindAddress      127.0.0.1
spark.driver.memory           2g
spark.executor.memory         1g
spark.executor.cores          1
spark.ui.enabled              false
# Torch, which the archive lacks, lies elsewhere on these machines.
spark.executorEnv.PYTHONPATH  uae.zip:{torch}
spark.eventLog.enabled        true
spark.eventLog.dir            {events}
spark.eventLog.compress       false
spark.eventLog.rolling.enabled  false
"""
WITHOUT_ARCHIVE = """
# The archive is unpacked once in these tests, by the night: it costs more than the training.
spark.archives
spark.pyspark.python          {python}
"""


@dataclass(frozen=True)
class Cluster:
    """A master and two workers of one core each, and how this project is told of them."""

    folder: Path
    settings: str

    @property
    def events(self) -> Path:
        return self.folder / "events"

    def submit(self, *arguments: str, settings: str = "") -> Process:
        """Start a job by the script that docs/operations.md names."""
        site_conf = self.folder / f"{arguments[0]}.conf"
        site_conf.write_text(self.settings + settings)
        return start(
            ["scripts/submit.sh", "standalone", *arguments],
            self.folder / f"submit-{arguments[0]}",
            {"UAE_SITE_CONF": str(site_conf)},
        )

    def tasks_by_executor(self, job: str) -> Counter[str]:
        """Return how many tasks each executor of a job ended well."""
        tasks_by_executor: Counter[str] = Counter()
        for log in self.events.iterdir():
            lines = [json.loads(line) for line in log.read_text().splitlines()]
            started = next(line for line in lines if line["Event"] == "SparkListenerApplicationStart")
            if started["App Name"] != f"uae-{job}":
                continue
            for line in lines:
                if line["Event"] == "SparkListenerTaskEnd" and line["Task End Reason"]["Reason"] == "Success":
                    tasks_by_executor[line["Task Info"]["Executor ID"]] += 1
        return tasks_by_executor


@pytest.fixture(scope="module")
def package() -> None:
    """Pack environment, code and jars; where nothing has changed this takes no time."""
    subprocess.run(["scripts/package.sh"], cwd=REPOSITORY, check=True, timeout=300)


@pytest.fixture(scope="module")
def cluster(package: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("standalone")
    events, torch = folder / "events", machines_torch(folder)
    events.mkdir()
    host = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
    with start([str(SPARK_CLASS), f"{DEPLOY}.master.Master", *host], folder / "master") as master:
        address = logged(master, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        size = ("--cores", "1", "--memory", "1g")
        command = [str(SPARK_CLASS), f"{DEPLOY}.worker.Worker", *host, *size]
        works = [folder / "one", folder / "two"]
        with (
            start([*command, "--work-dir", str(works[0]), address], folder / "worker-one") as one,
            start([*command, "--work-dir", str(works[1]), address], folder / "worker-two") as two,
        ):
            for worker in (one, two):
                logged(worker, r"Successfully registered with master (\S+)")
            site = SITE_CONF.format(master=address, torch=torch, events=events)
            yield Cluster(folder, TEST_SPARK_CONF.read_text() + site)


def logged(process: Process, pattern: str, *, patience: float = 60) -> str:
    """Wait until the process has logged a line; return its first group."""
    deadline = time.monotonic() + patience
    while not (match := re.search(pattern, process.stderr.read_text(errors="replace"))):
        assert process.popen.poll() is None, process.tail()
        assert time.monotonic() < deadline, process.tail()
        time.sleep(0.05)
    return match.group(1)


def machines_torch(folder: Path) -> Path:
    """Lay torch where it is the machines' own: links to this environment's, and to nothing else of it."""
    own = folder / "torch"
    own.mkdir()
    installed = Path(str(importlib.metadata.distribution("torch").locate_file("")))
    for package in installed.iterdir():
        if TORCH.fullmatch(package.name):
            (own / package.name).symlink_to(package)
    return own


def test_a_night_gives_the_tables_of_local_mode(
    cluster: Cluster, workbench: Workbench, undisturbed: Undisturbed
) -> None:
    workbench.restore()
    with cluster.submit("nightly", *night_arguments(workbench)) as process:
        assert process.wait() == 0, process.tail()
    require_same_rows(workbench.rows(), undisturbed.rows)
    seconds = {"seconds": None}
    assert {**process.summary(), **seconds} == {**undisturbed.summary, **seconds}
    # Both executors worked, by the Python that was sent to them.
    tasks = cluster.tasks_by_executor("nightly")
    assert set(tasks) == {"0", "1"}
    assert min(tasks.values()) >= 10, tasks
    assert len(list(cluster.folder.glob("*/app-*/*/environment/bin/python"))) == 2


def test_two_ranks_train_on_the_executors(cluster: Cluster, workbench: Workbench) -> None:
    workbench.restore()
    ranks = ("--set", "training.distributed=cluster", "--set", "training.processes=2")
    config = ("--config", str(workbench.folder / "uae.toml"), "--date", LAST_TRAINED.isoformat())
    settings = WITHOUT_ARCHIVE.format(python=sys.executable)
    with cluster.submit("train", *config, *ranks, settings=settings) as process:
        assert process.wait() == 0, process.tail()
    assert process.summary()["attention_model_version"] == 2
    (started,) = process.logged("training started")
    assert (started["where"], started["processes"]) == ("cluster", 2)
    (finished,) = process.logged("training finished")
    assert 0 < finished["metrics"]["validation_nll"] < 2
    # One rank on each executor: a worker has one core.
    assert set(cluster.tasks_by_executor("train")) == {"0", "1"}
