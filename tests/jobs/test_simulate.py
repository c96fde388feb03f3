"""The job's options for the world, refused before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.simulate import main


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("moon=1", "'moon' is no parameter of the world"),
        ("accidents=2", "accidents = 2.0: must lie between 0.0 and 0.99"),
    ],
)
def test_a_parameter_that_is_none_or_beyond_its_limits_is_told_and_nothing_written(
    setting: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--out", str(tmp_path / "new"), "--world", setting]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "new").exists()
