"""The check of queries finds what it shall find."""

from __future__ import annotations

import pytest

from tests.deploy.queries import named_in, strangers


def test_what_an_expression_names() -> None:
    named = named_in('time() - max by (job) (uae_rows{table="plays"} / on (day) uae_plays) > 3 * 60')
    assert named.metrics == {"uae_rows", "uae_plays"}
    assert named.matched == {("uae_rows", "table")}
    assert named.labels == {"job"}
    assert named_in("uae_rows / uae_plays").labels == {"job", "day", "step"}


@pytest.mark.parametrize(
    ("expression", "wrong"),
    [
        ("uae_run_exit_code == 4", []),
        ("uae_run_exit_kode == 4", ["uae_run_exit_kode"]),
        ('uae_plays{table="plays"}', ["uae_plays{table}"]),
        ("max by (jobs) (avg_over_time(uae_plays[7d]))", ["by (jobs)"]),
        ("absent(uae_nothing)", ["uae_nothing"]),
    ],
)
def test_what_the_code_does_not_write_is_told(expression: str, wrong: list[str]) -> None:
    assert strangers(expression) == wrong


def test_what_prometheus_cannot_parse_is_an_error() -> None:
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        named_in("max by (uae_plays")
