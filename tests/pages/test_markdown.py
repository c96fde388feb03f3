"""Tables in Markdown."""

from __future__ import annotations

import pytest

from uae_model.pages.markdown import markdown_table


def test_labels_stand_left_and_numbers_right() -> None:
    table = markdown_table(
        ("model", "weights", "AUC"), [("fm", "uae", "0.71"), ("dcn", "none", "0.69")], labels=2
    )
    assert table.splitlines() == [
        "| model | weights | AUC |",
        "|---|---|---:|",
        "| fm | uae | 0.71 |",
        "| dcn | none | 0.69 |",
    ]


def test_a_bar_in_a_cell_does_not_end_it() -> None:
    assert markdown_table(("key",), [("a|b",)]).splitlines()[-1] == r"| a\|b |"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a row of 1 cells under a header of 2: a"):
        markdown_table(("key", "value"), [("a",)])
