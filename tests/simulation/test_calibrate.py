"""The simulated feedback meets the paper's Fig. 2 at every stickiness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from uae_model.core.errors import InputError
from uae_model.simulation import catalog
from uae_model.simulation.calibrate import SAMPLE_DAYS, calibrated
from uae_model.simulation.feed import BlockCounts, block_counts
from uae_model.simulation.listening import draw_plays
from uae_model.simulation.world import (
    ACTIVE_AFTER_ACTIVE,
    ACTIVE_AFTER_PASSIVE,
    PLAYS_PER_LISTENING_DAY,
    Block,
    World,
)


def totals(world: World) -> BlockCounts:
    blocks = [block_counts(world, block) for block in world.blocks()]
    names = BlockCounts.__dataclass_fields__
    return BlockCounts(**{name: sum(getattr(counts, name) for counts in blocks) for name in names})


@pytest.mark.slow
@pytest.mark.parametrize("stickiness", [0.0, 0.7, 0.95])
def test_transitions_lie_within_ten_percent_of_the_paper(stickiness: float) -> None:
    counts = totals(calibrated(World(users=2_500, stickiness=stickiness)))
    after_passive = counts.pairs - counts.pairs_after_active
    assert counts.active_after_active / counts.pairs_after_active == pytest.approx(
        ACTIVE_AFTER_ACTIVE, rel=0.1
    )
    assert counts.active_after_passive / after_passive == pytest.approx(ACTIVE_AFTER_PASSIVE, rel=0.1)
    # The two figures imply 0.0996 in a stationary chain; sessions are short, so fewer plays are active.
    assert 0.075 < counts.active / counts.plays < 0.11


@pytest.mark.slow
def test_a_share_of_the_negative_feedback_is_accidental() -> None:
    world = calibrated(World(users=2_500, accidental_share=0.3, mean_attention=0.5))
    plays = [draw_plays(world, Block(day, 0)) for day in SAMPLE_DAYS]
    unattended = np.concatenate([~day.attended_N for day in plays])
    negative = np.concatenate([np.isin(day.feedback_N, catalog.NEGATIVE_FEEDBACK) for day in plays])
    # About 5,000 negatives: 0.04 is more than four standard errors.
    assert unattended[negative].mean() == pytest.approx(0.3, abs=0.04)
    assert unattended.mean() == pytest.approx(0.5, abs=0.03)


@pytest.mark.slow
def test_absences_meet_what_is_aimed_at() -> None:
    aimed = World(users=2_500, stickiness=0.0, short_absence=2, active_after_active=0.4)
    world = calibrated(replace(aimed, active_after_passive=0.03))
    counts = totals(replace(world, days=4))
    assert counts.attended / counts.plays == pytest.approx(0.36, abs=0.03)
    assert counts.active_after_active / counts.pairs_after_active == pytest.approx(0.4, rel=0.1)
    assert counts.active_after_passive / (counts.pairs - counts.pairs_after_active) == pytest.approx(
        0.03, rel=0.1
    )


def test_a_world_that_cannot_be_is_told_in_one_line() -> None:
    with pytest.raises(
        InputError, match=r"no world with these parameters has E\[a\] = 0\.05, P\(a\|a\) = 0\.5588"
    ):
        calibrated(World(users=500, mean_attention=0.05, active_after_passive=0.3))


def test_the_number_of_plays_follows_the_number_of_listeners() -> None:
    world = World(users=2_500, days=4)
    expected = world.users * world.days * world.activity * PLAYS_PER_LISTENING_DAY
    assert totals(world).plays == pytest.approx(expected, rel=0.05)
