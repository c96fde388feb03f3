"""The evaluation's document: its three forms, and which one the report shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

from uae_model.evaluation.document import Document, Figure, TextTable, read_newest_document, write_document

TABLE = TextTable(
    caption="By weighting",
    header=("base model", "metric", "base", "P<N"),
    rows=(("FM", "AUC", "61.00", "56.50*"), ("FM", "RelaImpr", "+0.00", "-40.91")),
    labels=2,
)
DOCUMENT = Document(
    title="Weights downstream",
    findings=("Much was found.", "Less was not."),
    notes=("10 plays.",),
    tables=(TABLE,),
    figures=(Figure("A curve", "<svg><title>curve</title></svg>"),),
    verdict="The weights help.",
)


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_markdown_has_one_line_a_row_and_one_a_sentence() -> None:
    lines = DOCUMENT.to_markdown().splitlines()
    assert lines[0] == "# Weights downstream"
    assert lines[2:6] == ["**The weights help.**", "", "- Much was found.", "- Less was not."]
    assert "| base model | metric | base | P<N |" in lines
    assert "|---|---|---:|---:|" in lines
    assert sum(line.startswith("| FM |") for line in lines) == 2


def test_the_page_needs_nothing_else_and_escapes_what_it_shows() -> None:
    page = DOCUMENT.to_html()
    parser = Page()
    parser.feed(page)
    assert parser.links == ["data:,"]
    assert "P&lt;N" in page
    assert "P<N" not in page
    assert '<p class="lead level">The weights help.</p>' in page
    assert (parser.tags.count("tr"), parser.tags.count("li"), parser.tags.count("svg")) == (3, 2, 1)


def test_json_brings_the_document_back() -> None:
    assert Document.from_json(DOCUMENT.to_json()) == DOCUMENT
    before = json.loads(DOCUMENT.to_json())
    del before["verdict"]  # as written by versions without one
    assert Document.from_json(json.dumps(before)) == replace(DOCUMENT, verdict="")


@pytest.mark.parametrize(
    ("until", "title"),
    [
        (date(2026, 1, 11), None),
        (date(2026, 1, 12), "first"),
        (date(2026, 1, 13), "first"),
        (date(2026, 2, 1), "second"),
    ],
)
def test_the_report_shows_the_newest_that_judged_no_later_play(
    tmp_path: Path, until: date, title: str | None
) -> None:
    folder = f"{tmp_path}/reports"
    assert read_newest_document(folder, until) is None
    written = write_document(replace(DOCUMENT, title="second"), folder, date(2026, 1, 14))
    write_document(replace(DOCUMENT, title="first"), f"{folder}/", date(2026, 1, 12))
    assert sorted(written) == ["html", "json", "md"]
    (tmp_path / "reports" / "2026-01-13.html").write_text("a day's report")
    newest = read_newest_document(folder, until)
    assert (newest and newest.title) == title
