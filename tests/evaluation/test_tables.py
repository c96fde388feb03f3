"""Tables in the paper's layout."""

from __future__ import annotations

from html.parser import HTMLParser

from uae_model.evaluation.cells import Cell, CellResult
from uae_model.evaluation.comparison import Findings
from uae_model.evaluation.tables import table_five, table_four, to_html, to_markdown

TITLES = {"none": "base", "uae": "UAE", "pn": "P<N"}


def findings() -> Findings:
    figures = {
        ("FM", "none"): (0.60, 0.62),
        ("FM", "uae"): (0.65, 0.67),
        ("FM", "pn"): (0.55, 0.58),
        ("DCN", "none"): (0.70, 0.70),
        ("DCN", "uae"): (0.70, 0.70),
    }
    return Findings(
        [
            CellResult(Cell(model, weighting, seed), {"active_plays.auc": value})
            for (model, weighting), values in figures.items()
            for seed, value in enumerate(values)
        ]
    )


def test_table_four_has_base_models_in_columns() -> None:
    table = table_four(findings(), "active_plays", TITLES)
    assert table.caption == "By base model: labels of active plays only"
    assert table.header == ("metric", "weights", "FM", "DCN")
    assert table.rows[:5] == (
        ("AUC", "base", "61.00 ± 1.41", "70.00 ± 0.00"),
        ("AUC", "+ UAE", "66.00 ± 1.41*", "70.00 ± 0.00"),
        ("AUC", "RelaImpr", "+45.45", "+0.00"),
        ("AUC", "+ P<N", "56.50 ± 2.12", "–"),
        ("AUC", "RelaImpr", "-40.91", "–"),
    )


def test_table_five_has_weightings_in_columns() -> None:
    table = table_five(findings(), "active_plays", TITLES)
    assert table.header == ("base model", "metric", "base", "UAE", "P<N")
    assert table.rows[0] == ("FM", "AUC", "61.00 ± 1.41", "66.00 ± 1.41*", "56.50 ± 2.12")
    assert table.rows[1] == ("FM", "RelaImpr", "+0.00", "+45.45", "-40.91")
    assert len(table.rows) == 2 * 3 * 2


def test_markdown_has_one_line_a_row() -> None:
    text = to_markdown("Found", ["A note."], [table_five(findings(), "active_plays", TITLES)])
    lines = text.splitlines()
    assert lines[0] == "# Found"
    assert "| base model | metric | base | UAE | P<N |" in lines
    assert "| --- | --- | ---: | ---: | ---: |" in lines
    assert sum(line.startswith("| FM |") for line in lines) == 6


class Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_else_and_escapes_what_it_shows() -> None:
    page = to_html(
        "Found", ["A note."], [table_four(findings(), "active_plays", TITLES)], [("A curve", "<svg></svg>")]
    )
    parser = Cells()
    parser.feed(page)
    assert parser.links == ["data:,"]
    assert "P&lt;N" in page
    assert "P<N" not in page
    assert parser.tags.count("tr") == 1 + 15
    assert "svg" in parser.tags
