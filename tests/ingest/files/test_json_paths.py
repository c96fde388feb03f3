"""A name with dots is a path into nested objects, unless the object has that very name."""

from __future__ import annotations

import pytest

from uae_model.ingest.files.json_lines import rows_of
from uae_model.ingest.files.layout import Layout


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"user": {"id": 7.0, "plan": {"kind": "paid"}}}', ("7", "paid")),
        (b'{"user.id": "own", "user": {"id": 7}}', ("own", None)),
        (b'{"user": {"id": null}}', (None, None)),
        (b'{"user": "u7"}', (None, None)),
        (b'{"user": [{"id": 7}]}', (None, None)),
        (b'{"user": {"id": 1}} {"user": {"id": 2}}', ("1", None)),  # read slowly, object by object
    ],
)
def test_a_path_leads_into_objects(line: bytes, told: tuple[str | None, str | None]) -> None:
    layout = Layout("jsonl", ("user.id", "user.plan.kind"), ids=frozenset({"user.id"}))
    rows = rows_of([line], layout)
    assert (rows.columns[0][0], rows.columns[1][0]) == told
    assert rows.problems == {}
