"""From the README alone, in at most two clicks: the answers that somebody comes for.

A reader clicks where the question's word stands: each link on the way is in a line that has it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

LINK = re.compile(r"\]\(([^)\s#]*\.md)?(#[^)\s]*)?\)")
MOST_CLICKS = 2


def items(page: Path) -> list[str]:
    """Return what a reader takes in at a glance: paragraphs, items of lists, rows of tables."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    parts = re.split(r"\n(?=\s*\n|[-|#>]|\d+\. )", text)
    return [" ".join(part.split()) for part in parts]


def clicks(page: Path, word: str) -> set[tuple[Path, str]]:
    """Return the pages and sections that links lead to which stand beside a word."""
    return {
        ((page.parent / (file or page.name)).resolve(), section)
        for item in items(page)
        if re.search(word, item, re.IGNORECASE)
        for file, section in LINK.findall(item)
    }


def section_of(page: Path, anchor: str) -> str:
    """Return the text of a page from the heading that an anchor names, or all of it."""
    if not anchor:
        return page.read_text()
    for match in re.finditer(r"^#+ (.+)$", page.read_text(), re.MULTILINE):
        if re.sub(r"[^a-z0-9]+", "-", match[1].lower()).strip("-") == anchor.removeprefix("#"):
            return page.read_text()[match.start() :]
    raise AssertionError(f"{page} has no heading {anchor}")


def within_clicks(word: str, clicks_left: int = MOST_CLICKS) -> dict[tuple[Path, str], int]:
    """Return the places that are reached from the README by a word, and after how many clicks."""
    reached: dict[tuple[Path, str], int] = {}
    standing = {(ROOT / "README.md", "")}
    for click in range(1, clicks_left + 1):
        standing = {place for page, _ in standing for place in clicks(page, word)} - reached.keys()
        reached |= dict.fromkeys(standing, click)
    return reached


@pytest.mark.parametrize(
    ("word", "page", "answer"),
    [
        ("lightgbm", "docs/howto/train-lightgbm-xgboost.md", r"lightgbm\.Dataset\(.*weight=weight\)"),
        ("xgboost", "docs/howto/train-lightgbm-xgboost.md", r"xgboost\.DMatrix\(.*weight=weight"),
        ("keras", "docs/howto/train-keras.md", r"model\.fit\(.*sample_weight="),
        ("pytorch", "docs/howto/train-pytorch.md", r"weighted_binary_cross_entropy\("),
        ("spark", "docs/howto/read-spark.md", r"spark\.sql\.extensions"),
        ("pandas", "docs/howto/read-frames.md", r"read_weights_pandas\("),
        ("duckdb", "docs/howto/read-frames.md", r"duckdb\.read_parquet\(files"),
        ("cron", "docs/howto/run-from-cron.md", r"\*/30 .*/uae nightly "),
        ("exit code", "docs/operations.md", r"\| 3 \| not yet: .* the same command works later \|"),
        ("forget", "docs/guides/users-data.md", r"uae forget --config uae\.toml --user "),
        ("promote", "docs/guides/ml-engineer.md", r"uae promote --config uae\.toml "),
    ],
)
def test_two_clicks_suffice(word: str, page: str, answer: str) -> None:
    reached = within_clicks(word)
    sections = [anchor for place, anchor in reached if place == ROOT / page]
    assert sections, f"no way to {page}: {sorted(str(place) for place, _ in reached)}"
    assert any(re.search(answer, section_of(ROOT / page, anchor)) for anchor in sections)


def test_a_way_ends_where_the_word_is_not_beside_a_link() -> None:
    assert within_clicks("no such word") == {}
    assert (ROOT / "docs" / "operations.md", "#exit-codes") in within_clicks("exit code", 1)
    assert not any(page.name == "train-keras.md" for page, _ in within_clicks("keras", 1))
