"""The page: its sections, its bytes, and how a browser without a network shows it."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.report.samples import DAY, bare, model, published, recovery, sample
from uae_model.report import facts as f
from uae_model.report import plots, render
from uae_model.report.page import check_lines, tiles

SECTIONS = ("overview", "feedback", "ranks", "weights", "recovery", "training", "quarantine", "publication")
CHROMIUM = "chromium"

# What the browser finds wrong: wider than its box, outside its parent, or text cut off by its plot.
OVERFLOWING = """() => {
  const wrong = [];
  const say = (what, e) => wrong.push(what + ': ' + e.tagName + ' ' + (e.textContent || '').slice(0, 40));
  for (const e of document.querySelectorAll('main, main *:not(svg *)')) {
    const inner = e.getBoundingClientRect(), outer = e.parentElement.getBoundingClientRect();
    if (getComputedStyle(e).display === 'inline' || e.closest('.scroll table')) continue;
    if (e.tagName !== 'svg' && e.scrollWidth > e.clientWidth + 1) say('content too wide', e);
    if (inner.right > outer.right + 1 || inner.left < outer.left - 1) say('outside its parent', e);
  }
  for (const svg of document.querySelectorAll('svg.plot')) {
    const box = svg.getBoundingClientRect();
    if (box.width < 200 || box.height < 50) say('plot too small', svg);
    for (const t of svg.querySelectorAll('text')) {
      const r = t.getBoundingClientRect();
      const wide = r.left < box.left - 1 || r.right > box.right + 1;
      if (wide || r.top < box.top - 1 || r.bottom > box.bottom + 1)
        say('text cut off in ' + svg.id, t);
    }
  }
  return wrong;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's chromium, which set-up installs."""
    executable = shutil.which(CHROMIUM)
    if executable is None:
        pytest.fail("chromium is not installed; scripts/setup.sh dev installs it (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()


@functools.cache
def full_page() -> str:
    """Draw the full page once; most tests only read it."""
    return render(sample())


@functools.cache
def bare_page() -> str:
    """Draw the page of facts that lack everything optional once."""
    return render(bare())


def test_every_section_is_there_with_its_figures() -> None:
    page = full_page()
    for section in SECTIONS:
        assert f'id="{section}"' in page
    for name in ("transitions", "patterns", "ranks", "attention", "weight", "attention-by-rank"):
        assert f'id="plot-{name}"' in page
    for name in ("mean-weight", "reliability", "reasons", "likelihood", "risk", "means", "clipping"):
        assert f'id="plot-{name}"' in page
    assert page.count('role="img" aria-label="') == page.count("<svg") == 13
    assert "0.7654" in page  # AUC
    assert "55.88%" in page  # the paper's figure
    assert "64 of 64 patterns" in page
    assert "2 of 3 checks passed" in page
    assert "Run 2026-01-13-0123456789ab" in page


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render(sample()) == full_page()


def test_other_facts_give_another_page() -> None:
    assert render(replace(bare(), users=81)) != bare_page()


def test_nothing_is_loaded_from_elsewhere() -> None:
    page = full_page()
    assert "http://" not in page
    assert "https://" not in page
    assert not re.findall(r"<(?:script|iframe|img|object|embed)\b", page)
    assert set(re.findall(r'(?:src|href)="([^"#][^"]*)"', page)) == {"data:,"}
    assert not re.search(r"url\((?!#)|@import", page)


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    page = full_page()
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    references = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert {a or b for a, b in references} <= set(ids)


def test_text_from_the_feed_is_escaped() -> None:
    page = full_page()
    assert "<b>with</b>" not in page
    assert "&lt;b&gt;with&lt;/b&gt;" in page


def test_what_is_missing_is_said() -> None:
    page = bare_page()
    for section in SECTIONS:
        assert f'id="{section}"' in page
    assert "there is no registry at sqlite:///gone.db" in page
    assert "Attention cannot be compared with the truth: there is no table truth" in page
    assert "No row of the feed from 2025-12-31 to 2026-01-13 is in quarantine" in page
    assert "No pattern of six plays" in page
    assert "no passive play" in page
    assert "One day from" in page
    assert "has been scored again since" in page


def test_a_range_of_days_is_named() -> None:
    page = render(replace(bare(), first=DAY.replace(day=11)))
    assert "the plots cover 2026-01-11 to 2026-01-13" in page


def test_failed_gates_and_another_champion_are_said() -> None:
    facts = replace(bare(), model=replace(model(), champion_version=5, failed_gates=("it is too young",)))
    page = render(facts)
    assert "it is too young" in page
    assert "the champion now is version 5" in page
    without = render(replace(facts, model=replace(model(), champion_version=None, curves={})))
    assert "there is no champion now" in without
    assert "no metrics by epoch" in without


def test_the_best_epoch_counts_from_one() -> None:
    assert re.search(r'best epoch</th><td class="number">3<', full_page())


def test_key_figures() -> None:
    shown = {tile.name: tile.value for tile in tiles(sample())}
    assert shown == {
        "Plays": "900",
        "Sessions": "100",
        "Users": "80",
        "Active share": "10.00%",
        "Mean attention": "0.250",
        "Mean weight": "0.700",
        "Quarantined": "17",
        "Excluded": "3",
    }
    assert {tile.value for tile in tiles(bare())} >= {"none"}


def test_checks_are_split_into_name_result_and_finding() -> None:
    lines = check_lines(published())
    assert [(line.name, line.passed, line.found) for line in lines] == [
        ("the day has plays", True, "900 rows"),
        ("one weight row for every play row", True, "0 missing, 0 extra, 0 doubled"),
        ("quarantined share at most 0.05", False, "0.0600"),
    ]


def test_rare_patterns_are_left_out() -> None:
    rates = (f.PatternRate("pppppp", f.Rate(4, 4)), f.PatternRate("pppppa", f.Rate(5, 1)))
    history = replace(sample().history, patterns=rates)
    assert [found.pattern for found in plots.shown_patterns(history)] == ["pppppa"]


def test_numbers_in_plots_are_not_cut() -> None:
    drawn = plots.histogram("attention", "attention", sample().attention)
    assert "mean 0.250" in drawn
    assert "<metadata" not in drawn
    assert "#0" not in drawn  # every stand-in colour became a variable of the style sheet


@pytest.mark.parametrize(
    ("occupied", "first", "last", "bars"),
    [
        ({0: 3, 199: 4}, 0.0, 1.0, 40),  # the whole range, five bins a bar
        ({80: 5, 81: 2}, 0.4, 0.5, 20),  # a narrow one, widened to a tenth
        ({199: 1}, 0.9, 1.0, 20),  # at the end
        ({20: 1, 102: 1}, 0.1, 0.515, 28),  # 83 bins, three a bar, two in the last
    ],
)
def test_bars_cover_the_range_that_occurs(
    occupied: dict[int, int], first: float, last: float, bars: int
) -> None:
    counts = [occupied.get(index, 0) for index in range(200)]
    shown = plots.shown_bars(counts)
    assert len(shown) == bars
    assert shown[0][0] == pytest.approx(first)
    assert shown[-1][0] + shown[-1][1] == pytest.approx(last)
    assert sum(count for *_, count in shown) == sum(occupied.values())


@pytest.mark.parametrize(
    ("count", "text"), [(950, "950"), (12_000, "12 k"), (3_400_000, "3.4 M"), (2e9, "2 G")]
)
def test_short_counts(count: float, text: str) -> None:
    assert plots.count_text(count) == text


def open_offline(browser: Browser, file: Path, width: int, scheme: Any) -> tuple[Any, list[str]]:
    """Open the file without a network; return the page and what went wrong while loading."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_offline(True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    return page, wrong


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
@pytest.mark.parametrize("which", ["full", "bare"])
def test_a_browser_without_network_shows_it_whole(
    browser: Browser, tmp_path: Path, width: int, scheme: str, which: str
) -> None:
    html = full_page() if which == "full" else bare_page()
    file = tmp_path / "report.html"
    file.write_text(html)
    page, wrong = open_offline(browser, file, width, scheme)
    assert wrong == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(OVERFLOWING) == []
    assert page.locator("svg.plot").count() == html.count("<svg") > 0
    for plot in page.locator("svg.plot").all():
        assert plot.is_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == ("rgb(16, 19, 23)" if scheme == "dark" else "rgb(246, 247, 249)")
    page.context.close()


def test_the_overflow_check_finds_an_overflow(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(full_page().replace("<table", '<table style="width: 900px"', 1))
    page, _ = open_offline(browser, file, 390, "light")
    assert page.evaluate(OVERFLOWING) != []
    page.context.close()


def test_extreme_recoveries_can_be_drawn() -> None:
    nothing = replace(recovery(), attended=0, auc=None, bins=(f.ReliabilityBin(5, 0.0, 0.0),))
    page = render(replace(bare(), truth=f.TruthComparison(5, 5, nothing, None)))
    assert 'id="plot-reliability"' in page
    assert re.search(r"ROC-AUC</th><td[^>]*>none</td><td[^>]*>none<", page)
