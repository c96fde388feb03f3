"""What became of each try of Airflow's tasks: read from its database and logs, written as record and page."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scripts.record_on_page import RecordOnPage
from uae_model.pages.markdown import markdown_table

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "deploy" / "airflow" / "record.json"
PAGE = ROOT / "docs" / "howto" / "run-from-airflow.md"
REQUIREMENTS = ROOT / "deploy" / "airflow" / "requirements.txt"
DAG = "uae_nightly"

OUTPUT = "Output:"
"""What the operator's hook writes before the command's own lines."""
ENDED = re.compile(r"Command exited with return code (-?\d+)")
SUMMARY = ("dt", "plays", "weights")
"""What the record keeps of a night's summary."""

TRIES = """
select run.run_id, run.logical_date, try.task_id, try.try_number, try.state
from (
    select dag_id, run_id, task_id, try_number, state from task_instance where end_date is not null
    union
    select dag_id, run_id, task_id, try_number, state from task_instance_history
) as try join dag_run as run using (dag_id, run_id)
where dag_id = ? order by run.logical_date, try.task_id, try.try_number
"""


@dataclass(frozen=True)
class Ended:
    """A try that has ended; ``exit_code`` is None where its log has none (Airflow ended it)."""

    task: str
    logical_date: str
    try_number: int
    state: str
    exit_code: int | None
    line: str


def run_states(home: Path) -> dict[str, str]:
    """Return the state of each run of the DAG, by its id."""
    return {
        str(run): str(state)
        for run, state in _query(home, "select run_id, state from dag_run where dag_id = ?")
    }


def ended_tries(home: Path, site: Path) -> list[Ended]:
    """Return all tries that have ended, in order; paths of the site stand in their lines as ``/srv/uae``.

    Args:
        home: ``AIRFLOW_HOME``.
        site: ``UAE_HOME``.
    """
    tries = {}
    for run, logical_date, task, number, state in _query(home, TRIES):
        log = home / f"logs/dag_id={DAG}/run_id={run}/task_id={task}/attempt={number}.log"
        exit_code, line = last_line(log.read_text() if log.exists() else "")
        if state == "up_for_retry" or exit_code is not None:
            moment = str(logical_date)[:16]
            tries[run, task, number] = Ended(
                task, moment, int(number), str(state), exit_code, line.replace(str(site), "/srv/uae")
            )
    return list(tries.values())


def last_line(log: str) -> tuple[int | None, str]:
    """Return a command's exit code and the last line that it wrote, from the log of a task: JSON lines."""
    before = ""
    for text in log.splitlines():
        event = str(json.loads(text).get("event", ""))
        ended = ENDED.fullmatch(event)
        if ended:
            return int(ended[1]), _shortened(before)
        before = event
    return None, ""


def _shortened(line: str) -> str:
    if not line.startswith("{"):
        return line
    summary = json.loads(line)
    return json.dumps({name: summary[name] for name in SUMMARY if name in summary})


def _query(home: Path, statement: str) -> list[tuple[Any, ...]]:
    """Ask Airflow's database, which may not be there yet."""
    database = home / "airflow.db"
    if not database.exists():
        return []
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        return connection.execute(statement, (DAG,)).fetchall()


def write(tries: Sequence[Ended], alerts: Sequence[str]) -> None:
    """Write the record, and its table into the page."""
    (version,) = re.findall(r"^apache-airflow==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE)
    content = {"airflow": version, "tries": [asdict(each) for each in tries], "alerts": list(alerts)}
    ON_PAGE.write(content)


def table(record: Mapping[str, Any]) -> str:
    """Return a row a try, in Markdown, and the alerts below."""
    header = ["morning", "try", "exit code", "state", "last line"]
    rows = [
        [
            each["logical_date"],
            str(each["try_number"]),
            str(each["exit_code"]),
            each["state"],
            f"`{each['line']}`",
        ]
        for each in record["tries"]
    ]
    alerts = "".join(f"- `{text}`\n" for text in record["alerts"])
    return f"{markdown_table(header, rows, labels=len(header))}\n\nAlerts:\n\n{alerts}"


ON_PAGE = RecordOnPage(RECORD, PAGE, table)
