"""Nights run as processes of their own, on folders put back before each, and what readers see of them."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as pads

from tests.builders import Event, at, feed_row, write_slot
from uae_model.config import load_config
from uae_model.lake import contract_for
from uae_model.readers.delta_log import files_of_version
from uae_model.registry.client import Registry

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST_DAY = date(2026, 1, 6)
LAST_TRAINED = date(2026, 1, 7)
"""The last day of the champion's training."""
BEFORE = date(2026, 1, 8)
"""The last day published before the night; a late event of the night reopens it."""
NIGHT = date(2026, 1, 9)
"""The day of the night under test; its sessions are closed by the feed of the day after."""

TABLES = ("events", "quarantine", "plays", "scores", "weights", "publications")
PLACES = (
    *(f"tables/{table}" for table in (*TABLES, "day_states")),
    *("snapshots", "checkpoints", "mlflow-artifacts"),
)
"""Folders in which runs make files."""
AVERAGES = ("mean_passive_attention", "mean_passive_weight")
"""Sums of floats: their last digit depends on the order of the addends, which Spark leaves open."""

SETTINGS = """
[paths]
hmac_key_file = "hmac.key"
[feed]
format = "jsonl"
late_days = 2
[network]
embedding = 2
hidden = 8
mlp = [16, 8]
[training]
estimator = "chain"
stickiness = [0.4, 0.7]
diagnose_roles = false
window_days = 1
epochs = 1
batch_plays = 512
processes = 1
[scoring]
# Several tasks, so that both executors of the cluster score.
rows_per_task = 60
[promotion]
beat_base_rate = false
min_training_plays = 0
"""

Rows = dict[str, pa.Table]
Seen = dict[date, pa.Table]


def write_folder(folder: Path) -> None:
    """Write settings, key and a feed of five days with bad rows, duplicates, late events and long nights."""
    folder.mkdir(parents=True)
    (folder / "uae.toml").write_text(SETTINGS)
    (folder / "hmac.key").write_text("k" * 32)
    rng = random.Random(11)
    for offset in range((NIGHT - FIRST_DAY).days + 2):
        day = FIRST_DAY + timedelta(days=offset)
        rows: list[dict[str, Any] | str] = [feed_row(item) for item in _plays_of(day, rng)]
        rows += [rows[0], '{"event_id": "broken', json.dumps({**feed_row(_late(day, 0)), "feedback": "hum"})]
        rows += [feed_row(_late(day, late)) for late in (1, 2) if late <= offset]
        write_slot(folder / "feed", day, rows)


def _plays_of(day: date, rng: random.Random) -> list[Event]:
    events = []
    for user in range(24):
        # Some start late in the evening, so that sessions cross midnight.
        moment = at(f"{day.day} {rng.choice([8, 12, 18, 23])}:{rng.randint(10, 50)}")
        for number in range(rng.randint(4, 16)):
            active = rng.random() < 0.2
            events.append(
                Event(
                    f"e{day.day}-{user}-{number}",
                    moment,
                    user_id=f"u{user}",
                    song_id=f"s{rng.randint(1, 60)}",
                    feedback=rng.choice(["like", "skip", "dislike"]) if active else "auto_play",
                    device=rng.choice(["phone", "car"]),
                )
            )
            moment += timedelta(seconds=rng.randint(170, 400))
    return events


def _late(delivered: date, days_late: int) -> Event:
    day = delivered - timedelta(days=days_late)
    return Event(f"late-{delivered.day}-{days_late}", at(f"{day.day} 10:15"), user_id="u3")


@dataclass(frozen=True)
class Workbench:
    """A folder ready for the night of ``NIGHT``, and a pristine copy to put it back from.

    Every run works in the same folder, so that even paths and file times are the same for all.
    """

    root: Path

    @property
    def folder(self) -> Path:
        """The night's folder, with all signs in its name that a URI or a pattern would read otherwise."""
        return self.root / "work 100%20 [a] 12:30"

    @property
    def tables(self) -> Path:
        return self.folder / "tables"

    def save(self) -> None:
        """Keep the folder as it is now."""
        shutil.copytree(self.folder, self.root / "pristine")

    def restore(self) -> None:
        """Put the folder back as it was when it was saved."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.root / "pristine", self.folder)

    def rows(self) -> Rows:
        """Return the rows of all tables, sorted by key."""
        return {name: self._sorted(name) for name in TABLES}

    @property
    def registry(self) -> Path:
        """The database of MLflow."""
        return self.folder / "mlflow.db"

    def files(self, place: str) -> set[str]:
        """Return the files of a folder, such as a table, that are complete under their final names."""
        folder = self.folder / place
        # Unlike rglob, os.walk bears folders that go away while it looks.
        walked = ((Path(root), file) for root, _, files in os.walk(folder) for file in files)
        complete = ((root, file) for root, file in walked if "." in file and not file.startswith("."))
        return {str((root / file).relative_to(folder)) for root, file in complete}

    def seen(self) -> Seen:
        """Return what readers see: each published day's weights at the version that is pinned now."""
        publications = read_delta(self.tables / "publications").to_pylist()
        weights_by_day = {}
        for row in publications:
            assert row["status"] == "published"
            weights = read_delta(self.tables / "weights", version=row["delta_version"], day=row["dt"])
            assert weights.num_rows == row["row_count"], row["dt"]
            weights_by_day[row["dt"]] = weights.sort_by(
                [("session_id", "ascending"), ("position", "ascending")]
            )
        return weights_by_day

    def models(self) -> dict[str, Any]:
        """Return the parameters of the newest registered networks; none where only the champion is there."""
        registry = Registry(load_config(self.folder / "uae.toml"))
        newest = registry.version().version
        if registry.champion_versions() == (int(newest), int(newest)):
            return {}
        state = registry.load(int(newest), int(newest)).state
        return {
            f"{network}.{name}": value.tolist()
            for network in ("attention", "propensity")
            for name, value in state[network].items()
        } | {"version": int(newest)}

    def _sorted(self, name: str) -> pa.Table:
        config = load_config(self.folder / "uae.toml")
        keys = ["dt", *contract_for(name, config).key]
        return read_delta(self.tables / name).sort_by([(key, "ascending") for key in keys])


def read_delta(path: Path, *, version: int | None = None, day: date | None = None) -> pa.Table:
    """Read a Delta table without Spark, the newest version or the given one, of one day or all."""
    marker = "dt=" if day is None else f"dt={day.isoformat()}/"
    files = files_of_version(str(path), version)
    by_day = pads.partitioning(pa.schema([("dt", pa.date32())]), flavor="hive")
    return pads.dataset([file for file in files if marker in file], partitioning=by_day).to_table()


def require_same_rows(actual: Rows, expected: Rows) -> None:
    """Compare all tables row for row: everything exactly but ``AVERAGES``, those to 12 digits."""
    for name in TABLES:
        left, right = actual[name], expected[name]
        if name == "publications":
            for column in AVERAGES:
                pairs = zip(left[column].to_pylist(), right[column].to_pylist(), strict=True)
                assert all(abs(a - b) <= 1e-12 * abs(b) for a, b in pairs), column
            left, right = left.drop_columns(list(AVERAGES)), right.drop_columns(list(AVERAGES))
        assert left.schema == right.schema, name
        differing = [
            column for column in left.column_names if left[column].to_pylist() != right[column].to_pylist()
        ]
        assert left.num_rows == right.num_rows, name
        assert not differing, f"{name}: {differing} differ"


def changed_days(seen: Seen, before: Seen) -> set[date]:
    """Return the days that show readers other rows than before."""
    return {day for day, weights in seen.items() if day not in before or not weights.equals(before[day])}


def local(job: str, workbench: Workbench, *arguments: str) -> list[str]:
    """Return the command of a job in local mode."""
    conf = ("--spark-conf", "spark_conf/local.conf", "--spark-conf", "tests/spark.conf")
    config = ("--config", str(workbench.folder / "uae.toml"))
    return [sys.executable, "-m", "jobs.cli", job, *config, *arguments, *conf]


def local_night(workbench: Workbench) -> list[str]:
    """Return the command of the night in local mode."""
    return local("nightly", workbench, "--date", NIGHT.isoformat())


def night_arguments(workbench: Workbench) -> list[str]:
    """Return the job's own arguments."""
    return ["--config", str(workbench.folder / "uae.toml"), "--date", NIGHT.isoformat()]


@dataclass
class Process:
    """A command in a process group of its own, with its output in files."""

    popen: subprocess.Popen[bytes]
    stdout: Path
    stderr: Path

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.popen.poll() is None:
            self.kill()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the job's log lines of one event; spark-submit lays standard error on standard output."""
        lines = [*self.stdout.read_text().splitlines(), *self.stderr.read_text().splitlines()]
        parsed = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in parsed if line.get("event") == event]

    def wait(self, while_waiting: Callable[[], object] = lambda: None, *, timeout: float = 300) -> int:
        """Wait for the end, calling a function every quarter of a second; return the exit code."""
        deadline = time.monotonic() + timeout
        while self.popen.poll() is None:
            assert time.monotonic() < deadline, self.tail()
            while_waiting()
            time.sleep(0.25)
        return self.popen.returncode

    def kill(self) -> None:
        """Kill -9 the whole group: the Python driver and its JVM, without a chance to tidy up."""
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def summary(self) -> dict[str, Any]:
        """Return the last line of the standard output, which is the night's summary."""
        last: dict[str, Any] = json.loads(self.stdout.read_text().splitlines()[-1])
        return last

    def tail(self) -> str:
        """Return the end of the output, for messages of failed tests."""
        return "".join(file.read_text(errors="replace")[-3000:] for file in (self.stdout, self.stderr))


def start(command: Sequence[str], logs: Path, environment: Mapping[str, str] | None = None) -> Process:
    """Start a command in the repository, on loopback, with Spark's scratch files beside its logs."""
    logs.mkdir(parents=True, exist_ok=True)
    variables = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(logs / "spark"),
        **(environment or {}),
    }
    # Set by a Spark session of this test process; the command is to start one of its own.
    for inherited in ("PYSPARK_GATEWAY_PORT", "PYSPARK_GATEWAY_SECRET", "PYSPARK_PYTHON", "SPARK_HOME"):
        variables.pop(inherited, None)
    stdout, stderr = logs / "stdout", logs / "stderr"
    with stdout.open("wb") as out, stderr.open("wb") as err:
        popen = subprocess.Popen(
            list(command),
            cwd=REPOSITORY,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    return Process(popen, stdout, stderr)
