"""Kills, stops, faults at any moment: readers never see half a day, another run ends as if undisturbed.

The tests do one round of each kind; ``make kills`` and ``make chaos`` do many.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.cluster import chaos
from tests.cluster.chaos import Arena, Round, Tally
from tests.cluster.conftest import Undisturbed, run_undisturbed
from tests.cluster.runs import BEFORE, NIGHT, Workbench, changed_days, local

ROUNDS = {
    "": chaos.SUITE,
    "kills": tuple(chaos.kills(seed) for seed in range(5)),
    "all": chaos.ALL,
}[os.environ.get("UAE_CHAOS", "")]


@pytest.fixture(scope="module")
def tally() -> Tally:
    """Return what is counted over all rounds."""
    return Tally()


@pytest.fixture(scope="module")
def arena(
    workbench: Workbench,
    undisturbed: Undisturbed,
    tally: Tally,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Round], Arena]:
    """Return the arena of a round's command, whose undisturbed run is done once."""

    @cache
    def of_command(job: str, arguments: tuple[str, ...]) -> Arena:
        logs = tmp_path_factory.mktemp(job)
        if job == "nightly":
            return Arena(workbench, undisturbed, tally, logs)
        command = local(job, workbench, *arguments)
        return Arena(workbench, run_undisturbed(workbench, command, logs / "undisturbed"), tally, logs)

    return lambda played: of_command(played.job, played.arguments)


@pytest.mark.slow
def test_the_night_changes_what_readers_see_of_both_days(undisturbed: Undisturbed) -> None:
    # Otherwise there would be nothing to see half of.
    assert changed_days(undisturbed.seen_after, undisturbed.seen_before) == {BEFORE, NIGHT}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("played", ROUNDS, ids=str)
def test_runs_that_faults_met_end_as_if_undisturbed(
    arena: Callable[[Round], Arena], tally: Tally, played: Round
) -> None:
    others = tally.tried - tally.survived
    arena(played).play(played)
    if record := os.environ.get("UAE_CHAOS_RECORD"):
        tally.write(Path(record))
    assert tally.rows_lost == tally.rows_doubled == 0
    assert tally.looks > 50
    assert tally.tried - tally.survived == others  # of rounds before that failed
