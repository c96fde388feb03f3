"""The page: its sections and its bytes."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.report.samples import DAY, bare, model, published, recovery, sample
from uae_model.report import plots, render
from uae_model.report.facts import (
    PatternRate,
    Rate,
    ReliabilityBin,
    TruthComparison,
)
from uae_model.report.page import check_lines, tiles

SECTIONS = (
    "overview",
    "feedback",
    "positions",
    "weights",
    "recovery",
    "help",
    "training",
    "quarantine",
    "publication",
)


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
    for name in ("transitions", "patterns", "positions", "attention", "weight", "attention-by-position"):
        assert f'id="plot-{name}"' in page
    for name in ("mean-weight", "reliability", "reasons", "likelihood", "risk", "means", "clipping"):
        assert f'id="plot-{name}"' in page
    for name in ("context-device", "context-play_source", "context-hour_of_day", "context-gap"):
        assert f'id="plot-{name}"' in page
    assert page.count('role="img" aria-label="') == page.count("<svg") == 18
    assert "0.7654" in page  # AUC
    assert "64 of 64 patterns" in page
    assert "2 of 3 checks passed" in page
    assert "Run 2026-01-13-0123456789ab" in page


def test_whether_the_weights_help_has_a_section() -> None:
    page = full_page()
    assert 'href="#help"' in page
    assert "It is shown that weights scaled:0.2 help a base model" in page
    assert "Weights &lt;help&gt; on 1 of 2 base models." in page
    assert page.count("61.26 ± 0.41*") == 9
    assert 'id="plot-gamma-curves"' in page
    assert "Nobody has looked yet" not in page
    assert "Nobody has looked yet" in bare_page()


def test_the_figures_of_the_paper_are_shown_on_demand_only() -> None:
    assert "55.88%" not in full_page()
    assert "paper" not in re.sub(r"<footer>.*", "", full_page(), flags=re.DOTALL)
    asked = render(replace(bare(), history=sample().history), paper=True)
    assert "55.88%" in asked
    assert "the upright marks are the paper&#39;s figures" in asked


def test_objections_are_red_at_the_head() -> None:
    page = render(replace(bare(), model=replace(model(), forced="it was trained on 99 plays", curves={})))
    head = page[: page.index('<dl class="tiles">')]
    assert '<ul class="alarm"' in head
    assert "in spite of failed gates: it was trained on 99 plays" in head
    assert re.search(r'<span class="status bad">Published, with 3 objections', head)
    fine = replace(bare(), has_newer_weights=False, published=replace(published(), checks=()))
    calm = render(fine)
    assert '<ul class="alarm"' not in calm
    assert '<span class="status good">Published</span>' in calm


def test_two_equal_plots_are_one() -> None:
    attention = sample().attention
    facts = replace(bare(), positions=sample().positions, attention=attention, weight=attention)
    page = render(facts)
    assert 'id="plot-weight"' not in page
    assert "Attention and weight of passive plays" in page


def test_contexts_are_shown_by_feature() -> None:
    page = full_page()
    assert 'aria-label="Mean attention by device: car &lt;1&gt; 0.100, phone 0.300' in page
    assert "Least attentive: device car &lt;1&gt; (0.100 over 30 plays)" in page
    assert 'id="contexts"' not in bare_page()


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


def test_candidates_are_compared_and_what_is_assumed_is_said() -> None:
    page = full_page()
    assert "0.2590<br>± 0.0020" in page
    assert "joint, diagnosis of the roles only" in page
    assert "any mean of attention from 22% to 48% of the plays" in page
    assert "The mean of attention is not anchored" in page
    assert "hour_of_day, device" in page
    named = replace(bare(), model=replace(model(), curves={}), model_missing="")
    anchored = replace(named, weight_formula="linear(smoothed), attention_mean=0.3")
    assert "set to a known value (linear(smoothed), attention_mean=0.3)" in render(anchored)


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
    assert re.search(r'epoch that was kept</th><td class="number">3<', full_page())


def test_key_figures() -> None:
    shown = {tile.name: tile.value for tile in tiles(sample())}
    assert shown == {
        "Level of attention": "22% to 48%",
        "Model age": "1 day",
        "Feed up to": "2026-01-14",
        "Published": "10 h",
        "Plays": "900",
        "Sessions": "100",
        "Users": "80",
        "Active share": "10.00%",
        "Mean attention": "0.250",
        "Mean weight": "0.700",
        "Quarantined": "17",
        "Excluded": "3",
    }
    assert {tile.value for tile in tiles(bare())} >= {"none", "not known", "not identified"}
    fresh = sample().freshness
    assert fresh is not None
    late = replace(fresh, published_at=datetime(2026, 2, 13, tzinfo=UTC))
    assert {tile.name: tile.value for tile in tiles(replace(sample(), freshness=late))}[
        "Published"
    ] == "30 days"


def test_checks_are_split_into_name_result_and_finding() -> None:
    lines = check_lines(published())
    assert [(line.name, line.passed, line.detail) for line in lines] == [
        ("the day has plays", True, "900 rows"),
        ("one weight row for every play row", True, "0 missing, 0 extra, 0 doubled"),
        ("quarantined share at most 0.05", False, "0.0600"),
    ]


def test_rare_patterns_are_left_out() -> None:
    rates = (PatternRate("pppppp", Rate(4, 4)), PatternRate("pppppa", Rate(5, 1)))
    history = replace(sample().history, patterns=rates)
    assert [pattern.pattern for pattern in plots.shown_patterns(history)] == ["pppppa"]


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


def test_extreme_recoveries_can_be_drawn() -> None:
    nothing = replace(recovery(), attended=0, auc=None, bins=(ReliabilityBin(5, 0.0, 0.0),))
    page = render(replace(bare(), truth=TruthComparison(5, 5, nothing, None)))
    assert 'id="plot-reliability"' in page
    assert re.search(r"ROC-AUC</th><td[^>]*>none</td><td[^>]*>none<", page)
