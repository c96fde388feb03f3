"""The page about many days: its plots, its events and its bytes."""

from __future__ import annotations

import functools
import re
from dataclasses import replace

from tests.report.many_days.samples import FIRST, many_days, one_day
from uae_model.report.many_days import ManyDays, render_days
from uae_model.report.many_days.page import CAPTIONS, tiles


@functools.cache
def days_page() -> str:
    """Draw the page of four weeks once."""
    return render_days(many_days())


@functools.cache
def one_day_page() -> str:
    """Draw the page of a day of which little is known once."""
    return render_days(one_day())


def test_every_plot_is_there() -> None:
    page = days_page()
    for name in CAPTIONS:
        assert f'id="plot-days-{name}"' in page
    assert page.count("<svg") == len(CAPTIONS)
    assert "3 of 28 days not published" in page
    assert "All 28 days published" not in page
    assert 'aria-label="Events by day: new champion 1, refused 2, accepted checks 1, reopened 1' in page
    assert "Version of the attention model by day: 3 first, 4 last, 2026-01-13 to 2026-02-09" in page


def test_events_are_listed_and_escaped() -> None:
    page = days_page()
    assert "plays, sessions: a &lt;holiday&gt;" in page
    assert page.count("<holiday>") == 0
    assert "3,102,243" in page


def test_what_is_not_known_is_said() -> None:
    page = one_day_page()
    assert "Nothing is known of these days for: quarantine, drift, seconds by step." in page
    assert "One model scored all days; none was refused" in page
    assert "All 1 days published" in page


def test_key_figures() -> None:
    shown = {tile.name: (tile.value, tile.note) for tile in tiles(many_days())}
    assert shown["Published"] == ("25 of 28", "days of the range")
    assert shown["Refused"] == ("2", "days; 1 with accepted checks")
    assert shown["Models"] == ("2", "attention 3, 4")
    assert shown["Mean weight"][0] == "0.58 to 0.68"
    assert shown["Largest drift"] == ("0.32", "device")
    assert {tile.name: tile.value for tile in tiles(one_day())}["Mean weight"] == "none"


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render_days(many_days()) == days_page()
    assert render_days(ManyDays(FIRST, FIRST, (replace(one_day().days[0], quarantined=4),))) != one_day_page()


def test_nothing_is_loaded_from_elsewhere_and_ids_are_unique() -> None:
    page = days_page()
    assert "http" not in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
