"""What a run tells a monitoring system: gauges that are collected while a job goes on.

``uae_model.core.metrics_file`` writes them when the job ends. Outside a run, such as in a notebook, what is
told goes nowhere.
"""

from __future__ import annotations

import contextvars
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Metric:
    """A gauge.

    Attributes:
        name: as Prometheus knows it.
        meaning: one sentence, with the unit.
        labels: names of its labels, in their order.
    """

    name: str
    meaning: str
    labels: tuple[str, ...]


_RUN = ("job", "day")
_STEP = (*_RUN, "step")
_UNIT = (*_STEP, "table")
_CHECK = (*_RUN, "check")

RUN_INFO = Metric("uae_run_info", "Always 1; names the last run of the job.", (*_RUN, "run_id", "version"))
RUN_EXIT_CODE = Metric(
    "uae_run_exit_code",
    "Exit code of the last run: 0 done, 1 failed, 2 wrong usage or configuration, 3 not yet, 4 a gate "
    "refused.",
    _RUN,
)
RUN_ERROR = Metric(
    "uae_run_error", "Always 1; names the kind of error that ended the last run.", (*_RUN, "error")
)
RUN_SECONDS = Metric("uae_run_seconds", "Seconds that the last run took.", _RUN)
RUN_END = Metric("uae_run_end_timestamp_seconds", "Unix time at which the last run ended.", _RUN)
STEP_SECONDS = Metric(
    "uae_step_seconds", "Seconds that a step of the last run took, also of a failed one.", _STEP
)

LAST_SUCCESS = Metric(
    "uae_last_success_timestamp_seconds", "Unix time at which a run last ended with exit code 0.", ("job",)
)
PUBLISHED_DAY = Metric(
    "uae_published_day_timestamp_seconds",
    "Unix time of the midnight of the newest day that the last successful run published or saw published.",
    ("job",),
)

BUILD_SECONDS = Metric(
    "uae_build_seconds", "Seconds that a day of a table took when it was last built and checked.", _UNIT
)
ROWS = Metric("uae_rows", "Rows of a day of a table.", _UNIT)
FEED_ROWS = Metric(
    "uae_feed_rows",
    "Rows of a day's feed slots: those read, and by outcome what became of them.",
    (*_UNIT, "outcome"),
)
PLAYS = Metric("uae_plays", "Plays of the sessions that start on the day.", _STEP)
SESSIONS = Metric("uae_sessions", "Sessions that start on the day.", _STEP)
EVENTS = Metric("uae_events", "Events of the day.", _STEP)
CARRIED_EVENTS = Metric(
    "uae_carried_events", "Events of the day that belong to sessions begun the day before.", _STEP
)
EXCLUDED_EVENTS = Metric("uae_excluded_events", "Events of the day left out as those of bots.", _STEP)
MODEL_AGE = Metric(
    "uae_model_age_days", "Days from the last day that the scoring model was trained on to the day.", _STEP
)
ATTENTION_VERSION = Metric(
    "uae_attention_model_version", "Version of the attention model that scored the day.", _STEP
)
PROPENSITY_VERSION = Metric(
    "uae_propensity_model_version", "Version of the propensity model that scored the day.", _STEP
)
PUBLISHED_PLAYS = Metric("uae_published_plays", "Plays of the day whose weights readers see.", _STEP)
QUARANTINED_ROWS = Metric("uae_quarantined_rows", "Rows of the day's feed of plays in quarantine.", _STEP)
MEAN_ATTENTION = Metric(
    "uae_mean_passive_attention", "Mean attention of the day's passive plays, 0 to 1.", _STEP
)
MEAN_WEIGHT = Metric("uae_mean_passive_weight", "Mean weight of the day's passive plays, 0 to 1.", _STEP)
ACTIVE_PLAYS = Metric("uae_active_plays", "Plays of the day with feedback that proves attention.", _STEP)
ACCEPTED_CHECKS = Metric(
    "uae_accepted_checks", "Failed checks of the published day that a person overruled.", _STEP
)
CHECK_PASSED = Metric("uae_check_passed", "1 where a check of the publication passed, else 0.", _CHECK)
CHECK_VALUE = Metric("uae_check_value", "The figure that a check of the publication judged.", _CHECK)
CHECK_LIMIT = Metric("uae_check_limit", "The limit of the figure that a check judged.", _CHECK)

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in the order in which they stand above."""

OF_SUCCESS = (LAST_SUCCESS, PUBLISHED_DAY)
"""What outlives later runs that fail."""


@dataclass
class RunFigures:
    """What a run has told so far.

    Attributes:
        job: the step of the command line, such as nightly.
        folder: where the file of metrics shall lie; empty: none is written.
        day: that the run was asked for, as text; empty where it has none.
        run_id: of the run.
        values: by metric, its labels but for the job, and the part of the day (a slot) that it was told of.
    """

    job: str
    folder: str = ""
    day: str = ""
    run_id: str = ""
    values: dict[tuple[Metric, tuple[str, ...], str], float] = field(default_factory=dict)

    def tell(self, metric: Metric, value: float, *, part: str = "", **labels: str) -> None:
        """Keep a value in place of what was told before; parts of a day are summed when they are written.

        Args:
            metric: one of ``METRICS``.
            value: the gauge.
            part: the part of the day that the value is of, where it is not of the whole.
            labels: all but ``job``; ``day`` is that of the run by default.
        """
        self.values[self._key(metric, part, labels)] = float(value)

    def add(self, metric: Metric, value: float, **labels: str) -> None:
        """Add to what was told before."""
        key = self._key(metric, "", labels)
        self.values[key] = self.values.get(key, 0.0) + value

    def _key(self, metric: Metric, part: str, labels: dict[str, str]) -> tuple[Metric, tuple[str, ...], str]:
        full = {"job": self.job, "day": self.day, **labels}
        return metric, tuple(full[name] for name in metric.labels), part

    def sums(self, metric: Metric) -> dict[tuple[str, ...], float]:
        """Return the values of a metric by its labels, parts of a day together."""
        sums: dict[tuple[str, ...], float] = {}
        for (told, labels, _), value in self.values.items():
            if told == metric:
                sums[labels] = sums.get(labels, 0.0) + value
        return sums


_CURRENT: contextvars.ContextVar[RunFigures | None] = contextvars.ContextVar("uae_run_figures", default=None)


@contextmanager
def figures_of_run(job: str) -> Iterator[RunFigures]:
    """Collect what is told inside the block."""
    figures = RunFigures(job)
    token = _CURRENT.set(figures)
    try:
        yield figures
    finally:
        _CURRENT.reset(token)


def current_run() -> RunFigures | None:
    """Return the figures of the run that goes on; None outside one."""
    return _CURRENT.get()


def tell(metric: Metric, value: float | None, *, part: str = "", **labels: str) -> None:
    """Tell the run that goes on a value, as ``RunFigures.tell`` does; None is not known and left out."""
    figures = _CURRENT.get()
    if figures is not None and value is not None:
        figures.tell(metric, value, part=part, **labels)


@contextmanager
def measured(step: str) -> Iterator[None]:
    """Add the seconds of the block to those of a step, also where an error leaves it."""
    figures = _CURRENT.get()
    if figures is None:
        yield
        return
    began = time.monotonic()
    try:
        yield
    finally:
        figures.add(STEP_SECONDS, round(time.monotonic() - began, 2), step=step)
