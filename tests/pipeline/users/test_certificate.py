"""The certificate as JSON and as a page."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from uae_model.pipeline.users.certificate import Certificate, Remaining, Searched, write_certificate

CERTIFICATE = Certificate(
    made_at=datetime(2026, 2, 1, 12, 30, tzinfo=UTC),
    reference="ticket 7",
    users=2,
    digests=("a" * 64, "b" * 64),
    searched=(Searched("events", 1200, 3), Searched("songs", 0)),
    folders=(),
    republished=("2026-01-05",),
    withdrawn=(),
    accepted={"2026-01-05": ["plays", "sessions"]},
    vacuumed=(),
    remaining=(Remaining("the feed", "its owner removes them"),),
)


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    page = Path(write_certificate(CERTIFICATE, f"{tmp_path}/reports/"))
    assert page.parent == tmp_path / "reports" / "forgotten"
    assert page.name.startswith("2026-02-01-")
    told = json.loads(page.with_suffix(".json").read_text())
    assert (told["made_at"], told["rows"], told["users"]) == ("2026-02-01T12:30:00+00:00", 1200, 2)
    assert told["searched"][1] == {"table": "songs", "rows": 0, "days": 0}
    text = page.read_text()
    for line in (
        "# Forgotten: 2 users",
        "2026-02-01 12:30 UTC, reference ticket 7.",
        "| events | 1,200 | 3 |",
        "Copies of plays that were removed whole: none.",
        "Checks that these days fail now, overruled: 2026-01-05 (plays, sessions).",
        "| the feed | its owner removes them |",
        f"- `{'b' * 64}`",
    ):
        assert line in text.splitlines()


def test_two_certificates_have_two_names() -> None:
    later = Certificate(**{**vars(CERTIFICATE), "made_at": datetime(2026, 2, 1, 12, 31, tzinfo=UTC)})
    assert later.name != CERTIFICATE.name
