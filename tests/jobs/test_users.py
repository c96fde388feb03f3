"""Jobs about rows and users: quarantine, forgetting, another key."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tests.jobs.stand_ins import DATE
from uae_model.core.errors import UsageError
from uae_model.pipeline.users.certificate import Certificate


def test_quarantine_counts_rows_by_reason_and_shows_them_where_that_is_asked(run: Any) -> None:
    asked: list[bool] = []

    def quarantined_rows(store: Any, day: date, *, shows_rows: bool) -> list[dict[str, Any]]:
        asked.append(shows_rows)
        return [{"reason": "a", "occurrences": 2}, {"reason": "b", "occurrences": 1}]

    code, lines, _ = run("quarantine", *DATE, quarantined_rows=quarantined_rows)
    assert (code, lines[0]) == (0, {"reason": "a", "occurrences": 2})
    assert lines[-1] == {"dt": "2026-01-05", "quarantined": 3, "reasons": {"a": 2, "b": 1}}
    run("quarantine", *DATE, "--show", quarantined_rows=quarantined_rows)
    assert asked == [False, True]


def test_forget_takes_ids_from_options_and_a_file_and_prints_none(run: Any, tmp_path: Path) -> None:
    told: list[Any] = []

    def forget_users(store: Any, named: list[str], **options: Any) -> Certificate:
        told.append((named, options))
        return Certificate(datetime(2026, 2, 1, tzinfo=UTC), None, 3, ("d",), *((),) * 4, {}, *((),) * 2)

    (tmp_path / "ids.txt").write_text("\ufeffann\nbob\n")
    names = ["--user", "cleo", "--file", str(tmp_path / "ids.txt"), "--now"]
    code, lines, _ = run("forget", *names, forget_users=forget_users)
    assert (code, told) == (0, [(["cleo", "ann", "bob"], {"reference": None, "vacuums": True})])
    assert lines[0]["users"] == 3
    assert Path(lines[0]["certificate"]).parent == tmp_path / "reports" / "forgotten"
    assert not any(name in json.dumps(lines) for name in ("cleo", "ann", "bob"))
    code, _, error = run("forget", "--file", str(tmp_path / "nowhere"), forget_users=forget_users)
    assert code == UsageError.exit_code
    assert error.endswith("nowhere: cannot be read as UTF-8 text (FileNotFoundError)")


def test_rekey_hands_the_file_on(run: Any) -> None:
    told: list[Any] = []

    def change_key(store: Any, file: str, *, vacuums: bool) -> dict[str, Any]:
        told.append((file, vacuums))
        return {"fingerprint": "f"}

    code, lines, _ = run("rekey", "--new-key-file", "new.key", change_key=change_key)
    assert (code, lines, told) == (0, [{"fingerprint": "f"}], [("new.key", False)])
