"""What folders take: every file, hidden ones too."""

from __future__ import annotations

from pathlib import Path

from uae_model.core.usage import Usage, usage_below


def test_files_at_all_depths_count_and_hidden_ones_too(tmp_path: Path) -> None:
    (tmp_path / "dt=2026-01-05").mkdir()
    (tmp_path / "dt=2026-01-05" / "part-0").write_bytes(b"12345")
    (tmp_path / "dt=2026-01-05" / ".part-0.crc").write_bytes(b"12")
    (tmp_path / "_log").write_bytes(b"1")
    assert usage_below(tmp_path) == Usage(3, 8)


def test_what_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert usage_below(tmp_path / "nothing") == Usage()


def test_usages_add_up() -> None:
    assert Usage(3, 10) + Usage(1, 5) - Usage(2, 1) == Usage(2, 14)
