"""Tables as plain text."""

from __future__ import annotations

from uae_model.core.text_table import aligned


def test_columns_are_as_wide_as_their_widest_cell_and_no_line_ends_in_spaces() -> None:
    assert aligned([("a", "of", ""), ("long", "b", "c"), ("x", "", "")]) == ["a     of", "long  b   c", "x"]
