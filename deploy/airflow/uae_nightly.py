"""Airflow 3: each morning the night of the day before yesterday. docs/howto/run-from-airflow.md explains it.

Copy this file into Airflow's folder of DAGs. It imports nothing of this project, whose packages do not go
together with Airflow's: ``uae`` runs as a process, in the environment that ``UAE_HOME`` holds.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator, CronTriggerTimetable
from airflow.sdk.exceptions import AirflowException, AirflowFailException

log = logging.getLogger(__name__)

HOME = os.environ.get("UAE_HOME", "/srv/uae")
"""Folder with ``.venv`` and ``uae.toml``."""
RETRY_SECONDS = float(os.environ.get("UAE_RETRY_SECONDS", "1800"))
FIRST_RUN, LAST_RUN = os.environ.get("UAE_FIRST_RUN"), os.environ.get("UAE_LAST_RUN")
"""Mornings (YYYY-MM-DD) from which and until which days are made up; without the first, none are."""
ALERT_COMMAND = os.environ.get("UAE_ALERT")
"""Gets each alert as a line on its standard input, such as ``mail -s uae you@example.org``."""

DAY = "{{ macros.ds_add(ds, -2) }}"
"""The newest day that is closed where the feed comes once a day."""

NOT_YET = 3
IN_VAIN = {2: "a person has to change the command or the configuration", 4: "a gate refused"}
"""Exit codes after which the same command ends the same, and what they mean."""


class NotYetError(AirflowException):
    """The feed does not reach far enough, or another run is at it: the next try may do it."""


class RunError(AirflowException):
    """Something broke: told at once, and tried again, which is safe."""


def error_of(exit_code: int, line: str) -> AirflowException | None:
    """Return what to raise after an exit code; None where all is well.

    Airflow tries a task again, up to its ``retries``, after any error but AirflowFailException.

    Args:
        exit_code: of ``uae`` (docs/operations.md has all); negative after a signal.
        line: the last line that it wrote, which says what went wrong, where and what to do.
    """
    if exit_code == 0:
        return None
    if exit_code == NOT_YET:
        return NotYetError(f"not yet (exit code {exit_code}): {line}")
    if exit_code in IN_VAIN:
        return AirflowFailException(f"{IN_VAIN[exit_code]} (exit code {exit_code}): {line}")
    return RunError(f"an error (exit code {exit_code}): {line}")


def alert(context: Mapping[str, Any]) -> None:
    """Tell whoever is on duty. Put a notifier of Airflow in its place, if you have one.

    Raises:
        subprocess.CalledProcessError: if the command fails; Airflow logs it.
    """
    task = context["task_instance"]
    text = f"{task.dag_id} {task.run_id} try {task.try_number}: {context.get('exception')}"
    log.error("alert: %s", text)
    if ALERT_COMMAND:
        # The command is the setting of whoever runs Airflow, like every command of its tasks.
        subprocess.run(ALERT_COMMAND, shell=True, input=f"{text}\n", text=True, check=True)  # noqa: S602


def alert_unless_early(context: Mapping[str, Any]) -> None:
    """Tell of a try that failed, unless it only came too early."""
    if not isinstance(context.get("exception"), NotYetError):
        alert(context)


class UaeOperator(BaseOperator):
    """Runs a step of ``uae`` in ``HOME``; its log becomes the task's.

    Args:
        arguments: the step and its options; templates are filled in.
    """

    template_fields = ("arguments",)

    def __init__(self, *, arguments: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = arguments
        self._hook: SubprocessHook | None = None

    def execute(self, context: Mapping[str, Any]) -> str:
        """Return the last line of the output, the run's summary as JSON.

        Raises:
            AirflowException: after any exit code but 0, see ``error_of``.
        """
        self._hook = SubprocessHook()
        ended = self._hook.run_command([f"{HOME}/.venv/bin/uae", *self.arguments], cwd=HOME)
        error = error_of(ended.exit_code, ended.output)
        if error is not None:
            raise error
        return str(ended.output)

    def on_kill(self) -> None:
        """End the run where Airflow ends the task; the next one goes on where it stopped."""
        if self._hook is not None:
            self._hook.send_sigterm()


def morning(text: str) -> datetime:
    """Return midnight (UTC) of YYYY-MM-DD."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


with DAG(
    dag_id="uae_nightly",
    description="UAE: the night of the day before yesterday",
    schedule=CronTriggerTimetable("0 5 * * *", timezone="UTC"),
    start_date=morning(FIRST_RUN or "2026-01-01"),
    end_date=morning(LAST_RUN) + timedelta(days=1) if LAST_RUN else None,
    catchup=FIRST_RUN is not None,
    max_active_runs=1,  # days in order
):
    UaeOperator(
        task_id="nightly",
        arguments=["nightly", "--config", "uae.toml", "--date", DAY],
        retries=14,  # a try every half hour from five to twelve, as deploy/cron has it
        retry_delay=timedelta(seconds=RETRY_SECONDS),
        execution_timeout=timedelta(hours=8),
        on_retry_callback=alert_unless_early,
        on_failure_callback=alert,
    )
