"""Four simulated nights under a real Airflow: scheduler, executor, DAG processor and API server on loopback.

The slot of one night is delivered late, that of another is damaged. What became of every try is written to
``deploy/airflow/record.json`` and into docs/howto/run-from-airflow.md, and compared with what it must be.
"""

from __future__ import annotations

import gzip
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

from scripts import airflow_record
from scripts.airflow_record import Ended, ended_tries, run_states

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "airflow"
SITE, HOME, HELD = FOLDER / "site", FOLDER / "home", FOLDER / "held"
ALERTS = FOLDER / "alerts.txt"
AIRFLOW = FOLDER / "venv" / "bin" / "airflow"

FIRST_DAY, LAST_TRAINED = date(2026, 1, 5), date(2026, 1, 8)
LATE, NORMAL, DAMAGED, AFTER = (LAST_TRAINED + timedelta(days=number) for number in range(1, 5))
NIGHTS = (LATE, NORMAL, DAMAGED, AFTER)
EXPECTED = {LATE: [3, 0], NORMAL: [0], DAMAGED: [4], AFTER: [0]}
"""Exit codes of each night's tries."""

RUN_AFTER = timedelta(days=2)
"""A day's run is that of the second morning after it."""
RETRY_SECONDS = 20
LONGEST_WAIT = 4 * 60 * 60
PATIENCE = {
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "900",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "3600",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "3600",
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "120",
}
"""Seconds; with Airflow's own, a machine that is busy with other things would end tasks that are well."""
SERVERS = ("api-server", "dag-processor", "scheduler")

SMALL_NETWORKS = """
# Networks that a minute trains.
[network]
embedding = 2
hidden = 8
mlp = [16, 8]
[training]
estimator = "chain"
stickiness = [0.7]
diagnose_roles = false
window_days = 3
epochs = 2
batch_plays = 512
processes = 1
[promotion]
min_training_plays = 0
"""

SETTINGS = f"""
[paths]
hmac_key_file = "hmac.key"
[feed]
format = "jsonl"
{SMALL_NETWORKS}
"""


def main() -> int:
    """Run the nights and write the record; 1 if they did not end as they must."""
    prepare()
    with servers():
        deliver_and_wait()
    tries = ended_tries(HOME, SITE)
    alerts = ALERTS.read_text().splitlines() if ALERTS.exists() else []
    airflow_record.write(tries, alerts)
    print(airflow_record.table(airflow_record.ON_PAGE.read()))
    wrong = differences(tries, alerts)
    for text in wrong:
        print(f"airflow: {text}", file=sys.stderr)
    return int(bool(wrong))


def prepare() -> None:
    """Make a site from nothing: a feed of eight days, a champion trained on three, one slot held, one bad."""
    for folder in (SITE, HOME, HELD):
        shutil.rmtree(folder, ignore_errors=True)
    ALERTS.unlink(missing_ok=True)
    for folder in (SITE, HOME, HELD):
        folder.mkdir(parents=True)
    (SITE / ".venv").symlink_to(ROOT / ".venv")
    (SITE / "uae.toml").write_text(SETTINGS)
    days = str((AFTER - FIRST_DAY).days + 1)
    uae("simulate", "--out", ".", "--days", days, "--plays", "20000", "--songs", "500", "--format", "jsonl")
    uae(
        *("backfill", "--config", "uae.toml", "--until", "sessions"),
        *("--from", str(FIRST_DAY), "--to", str(LAST_TRAINED)),
    )
    uae("train", "--config", "uae.toml", "--date", str(LAST_TRAINED))
    uae("promote", "--config", "uae.toml")
    slot(NORMAL).rename(HELD / "slot")
    damage(slot(DAMAGED))


def slot(day: date) -> Path:
    """Return the folder of a day's slot of the feed."""
    return SITE / "feed" / f"dt={day}"


def damage(folder: Path) -> None:
    """Cut every second line of a slot's files in the middle, as a transfer of a broken file might."""
    for file in sorted(folder.glob("*.json.gz")):
        lines = gzip.decompress(file.read_bytes()).decode().splitlines()
        cut = [line[: len(line) // 2] if number % 2 else line for number, line in enumerate(lines)]
        file.write_bytes(gzip.compress("".join(f"{line}\n" for line in cut).encode(), mtime=0))
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)  # Hadoop's checksum of what it was


def uae(*arguments: str) -> None:
    """Run a step of the site, its log in a file.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    print(f"airflow: uae {' '.join(arguments)}", flush=True)
    with (FOLDER / "prepare.log").open("ab") as log:
        subprocess.run([SITE / ".venv/bin/uae", *arguments], cwd=SITE, stderr=log, check=True)


def environment(port: int) -> dict[str, str]:
    """Return the settings of Airflow and of the DAG."""
    url = f"http://127.0.0.1:{port}"
    return {
        **os.environ,
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "deploy" / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        **PATIENCE,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYTHONDONTWRITEBYTECODE": "1",  # none beside the DAG
        "UAE_HOME": str(SITE),
        "UAE_RETRY_SECONDS": str(RETRY_SECONDS),
        "UAE_FIRST_RUN": str(LATE + RUN_AFTER),
        "UAE_LAST_RUN": str(AFTER + RUN_AFTER),
        "UAE_ALERT": f"cat >> '{ALERTS}'",
    }


@contextmanager
def servers() -> Iterator[None]:
    """Start Airflow's processes, and end them afterwards."""
    variables = environment(free_port())
    with (HOME / "migrate.log").open("wb") as log:
        subprocess.run([AIRFLOW, "db", "migrate"], env=variables, stdout=log, stderr=log, check=True)
    with ExitStack() as stack:
        for name in SERVERS:
            log = stack.enter_context((HOME / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                [AIRFLOW, name], cwd=HOME, env=variables, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(end, process)
            if name == "api-server":
                wait_for(f"{variables['AIRFLOW__API__BASE_URL']}/api/v2/monitor/health", process)
        yield


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers: tasks that begin before would fail.

    Raises:
        RuntimeError: if it ends, or does not answer within ten minutes.
    """
    deadline = time.monotonic() + 600
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=30):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(1)
    raise RuntimeError(f"{url} does not answer; see {HOME}/api-server.log")


def end(process: subprocess.Popen[bytes]) -> None:
    """Let a server end its workers and itself; kill what has not ended in half a minute."""
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port


def deliver_and_wait() -> None:
    """Deliver the slot that is held once a try has come too early, and wait until all runs have ended.

    Raises:
        TimeoutError: if they have not within ``LONGEST_WAIT`` seconds.
    """
    deadline = time.monotonic() + LONGEST_WAIT
    told: dict[str, str] = {}
    while True:
        states = run_states(HOME)
        for run, state in states.items() - told.items():
            print(f"airflow: {run} is {state}", flush=True)
        told = states
        if len(states) == len(NIGHTS) and set(states.values()) <= {"success", "failed"}:
            return
        if (HELD / "slot").exists() and any(each.exit_code == 3 for each in ended_tries(HOME, SITE)):
            (HELD / "slot").rename(slot(NORMAL))
            print("airflow: the slot that was late is there", flush=True)
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {LONGEST_WAIT} s the runs are {states}; see {HOME}/*.log")
        time.sleep(2)


def differences(tries: list[Ended], alerts: list[str]) -> list[str]:
    """Return what is not as it must be, in sentences."""
    codes: dict[date, list[int | None]] = {day: [] for day in NIGHTS}
    for each in tries:
        codes[date.fromisoformat(each.logical_date[:10]) - RUN_AFTER].append(each.exit_code)
    wrong = [
        f"night {day}: exit codes {codes[day]}, not {EXPECTED[day]}"
        for day in NIGHTS
        if codes[day] != EXPECTED[day]
    ]
    if len(alerts) != 1 or "exit code 4" not in alerts[0]:
        wrong.append(f"alerts: {alerts}, not one about the night of {DAMAGED}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
