"""A real standalone cluster on loopback, secured: a night by scripts/submit.sh there gives the local tables.

Master, workers and jobs run under spark_conf/secure.conf. What a secured cluster is to keep is looked for on
the wire, in command lines, on the job's page, in event logs and in what executors write.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import secrets
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
from tests.cluster.watching import FROM, Page, Processes, Wire, files_that_hold, forms_of, free_ports
from tests.conftest import TEST_SPARK_CONF
from uae_model.lake.spark import SPARK_CONF_FOLDER

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1200)]

SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"
DEPLOY = "org.apache.spark.deploy"
HOST = ("--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
HANDSHAKE = b"sparkSaslUser"
"""By what name those who know the secret greet one another, in plain."""
TORCH = re.compile(r"(torch|torchgen|functorch|triton|nvidia|cuda)([-_].*)?")
"""What the archive leaves to the machines."""

SITE_CONF = """
# As tests/spark.conf, which comes before: tiny tables, and other partitions than in local mode.
spark.executor.extraJavaOptions   -XX:+UseSerialGC -XX:TieredStopAtLevel=1
spark.sql.shuffle.partitions  5
spark.master                  {master}
# What executors send to the driver goes by way of a wire that is looked at; uncompressed, so that it can be.
spark.driver.host             {wire}
spark.driver.bindAddress      127.0.0.1
spark.driver.port             {ports[0]}
spark.driver.blockManager.port  {ports[1]}
spark.port.maxRetries         1
spark.broadcast.compress      false
spark.ui.enabled              true
spark.ui.port                 {ports[2]}
spark.driver.memory           2g
spark.executor.memory         1g
spark.executor.cores          1
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
    address: str
    secret: str
    ports: list[int]
    """Of the driver, of its blocks, of its page."""

    @property
    def secret_file(self) -> Path:
        return self.folder / "spark.secret"

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
            {
                "UAE_SITE_CONF": str(site_conf),
                "UAE_SECURE": "1",
                "UAE_SPARK_SECRET_FILE": str(self.secret_file),
            },
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
    events, torch, ports, secret = (
        folder / "events",
        machines_torch(folder),
        free_ports(3),
        secrets.token_hex(),
    )
    events.mkdir()
    keep_secret(folder / "spark.secret", secret)
    nodes = nodes_conf(folder / "nodes.conf", secret)
    with start(master_command(nodes), folder / "master") as master:
        address = logged(master, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        with (
            start(worker_command(nodes, folder / "one", address), folder / "worker-one") as one,
            start(worker_command(nodes, folder / "two", address), folder / "worker-two") as two,
        ):
            for worker in (one, two):
                logged(worker, r"Successfully registered with master (\S+)")
            site = SITE_CONF.format(master=address, torch=torch, events=events, wire=FROM, ports=ports)
            settings = TEST_SPARK_CONF.read_text() + site
            yield Cluster(folder, settings, address, secret, ports)


def keep_secret(file: Path, text: str) -> None:
    """Write what only its owner may read."""
    file.touch(0o600)
    file.write_text(text)


def nodes_conf(file: Path, secret: str) -> Path:
    """Write the settings of master and workers, as docs/operations.md says."""
    keep_secret(
        file, (SPARK_CONF_FOLDER / "secure.conf").read_text() + f"spark.authenticate.secret {secret}\n"
    )
    return file


def master_command(nodes: Path) -> list[str]:
    """Return the command of a master."""
    return [str(SPARK_CLASS), f"{DEPLOY}.master.Master", "--properties-file", str(nodes), *HOST]


def worker_command(nodes: Path, work: Path, address: str) -> list[str]:
    """Return the command of a worker of one core."""
    size = ("--cores", "1", "--memory", "1g", "--work-dir", str(work))
    settings = ("--properties-file", str(nodes))
    return [str(SPARK_CLASS), f"{DEPLOY}.worker.Worker", *settings, *HOST, *size, address]


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


@dataclass(frozen=True)
class Watched:
    """What was seen of a night while it ran."""

    process: Process
    key: str
    wire: Wire
    processes: Processes
    page: Page


@pytest.fixture(scope="module")
def night(cluster: Cluster, workbench: Workbench) -> Watched:
    """Run a night on the cluster and look at it."""
    workbench.restore()
    key = (workbench.folder / "hmac.key").read_text()
    words = {**forms_of(key), **forms_of(cluster.secret), "handshake": HANDSHAKE, "name": b"uae-nightly"}
    wire, processes, page = Wire(cluster.ports[:2], words), Processes(), Page(cluster.ports[2])

    def look() -> None:
        processes.look()
        page.look()

    with cluster.submit("nightly", *night_arguments(workbench)) as process:
        assert process.wait(look, timeout=900) == 0, process.tail()
    return Watched(process, key, wire, processes, page)


def test_a_night_gives_the_tables_of_local_mode(
    cluster: Cluster, night: Watched, workbench: Workbench, undisturbed: Undisturbed
) -> None:
    require_same_rows(workbench.rows(), undisturbed.rows)
    seconds = {"seconds": None}
    assert {**night.process.summary(), **seconds} == {**undisturbed.summary, **seconds}
    # Both executors worked, by the Python that was sent to them.
    tasks = cluster.tasks_by_executor("nightly")
    assert set(tasks) == {"0", "1"}
    assert min(tasks.values()) >= 10, tasks
    assert len(list(cluster.folder.glob("*/app-*/*/environment/bin/python"))) == 2


def test_what_goes_to_executors_cannot_be_read_on_its_way(night: Watched) -> None:
    # The key of the pseudonyms is in tasks, the application's name in settings; only greetings are in plain.
    assert night.wire.passed > 10_000_000
    assert night.wire.seen == {"handshake"}


def test_secrets_stand_in_no_command_line_and_no_environment_but_sparks_own(
    cluster: Cluster, night: Watched
) -> None:
    executors = {
        process: command_line
        for process, command_line in night.processes.command_lines.items()
        if "CoarseGrainedExecutorBackend" in command_line and str(cluster.ports[0]) in command_line
    }
    assert len(executors) == 2
    for secret in (cluster.secret, night.key):
        assert not any(secret in command_line for command_line in night.processes.command_lines.values())
    for executor in executors:
        # Spark hands its own secret to executors so; of the key they learn by tasks alone.
        assert f"_SPARK_AUTH_SECRET={cluster.secret}" in night.processes.environments[executor].splitlines()
    assert not any(night.key in environment for environment in night.processes.environments.values())


def test_pages_show_no_secret(cluster: Cluster, night: Watched) -> None:
    assert "uae-nightly" in night.page.text
    assert "spark.authenticate.secret" in night.page.text  # with stars for its value
    assert not any(secret in night.page.text for secret in (cluster.secret, night.key))


def test_no_file_of_the_cluster_holds_a_secret(cluster: Cluster, night: Watched) -> None:
    words = {**forms_of(cluster.secret), **forms_of(night.key), "name": b"uae-nightly"}
    hiding = {"environment", "spark.secret", "nodes.conf", "torch"}
    found = files_that_hold(cluster.folder, words, without=hiding)
    # The event log knows the job's name, and the same search would have found a secret in it.
    assert any(f"{cluster.events}/" in file for file in found)
    assert [file for file in found if not file.endswith(": name")] == []


def test_a_worker_with_another_secret_is_refused(cluster: Cluster) -> None:
    nodes = nodes_conf(cluster.folder / "strangers.conf", secrets.token_hex())
    command = worker_command(nodes, cluster.folder / "three", cluster.address)
    with start(command, cluster.folder / "worker-three") as stranger:
        logged(stranger, r"IllegalArgumentException: (Authentication failed)")
    assert "Successfully registered" not in stranger.stderr.read_text()


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
