"""The files of metrics: read back by Prometheus' own parser; the last success outlives failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from uae_model.core.metrics_file import as_text, write_metrics
from uae_model.core.run_figures import LAST_SUCCESS, PLAYS, RUN_ERROR, RUN_EXIT_CODE, RunFigures


def run_of(folder: Path, code: int, at: float) -> RunFigures:
    figures = RunFigures("nightly", str(folder), day="2026-01-05")
    figures.tell(RUN_EXIT_CODE, code)
    if code == 0:
        figures.tell(LAST_SUCCESS, at)
    return figures


def values(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    return {
        family.name: {tuple(sample.labels.items()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_the_text_is_prometheus_format() -> None:
    figures = RunFigures("nightly", day="2026-01-05")
    figures.tell(PLAYS, 1234567, step="sessions")
    figures.tell(RUN_ERROR, 1, error='a "quoted"\\ one\nof two lines')
    text = as_text(figures).decode()
    where = (("day", "2026-01-05"), ("job", "nightly"))
    read = {name: {tuple(sorted(k)): v for k, v in found.items()} for name, found in values(text).items()}
    assert read == {
        "uae_run_error": {tuple(sorted((*where, ("error", 'a "quoted"\\ one\nof two lines')))): 1.0},
        "uae_plays": {(*where, ("step", "sessions")): 1234567.0},
    }
    assert f"# HELP uae_plays {PLAYS.meaning}\n# TYPE uae_plays gauge\n" in text


def test_a_failed_run_leaves_the_time_of_the_last_success(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    assert len(write_metrics(run_of(folder, 0, 1000.0), is_success=True)) == 2
    assert len(write_metrics(run_of(folder, 4, 2000.0), is_success=False)) == 1
    last, success = (folder / name for name in ("uae_nightly.prom", "uae_nightly_success.prom"))
    assert sorted(folder.iterdir()) == [last, success], "no part of a file is left"
    assert list(values(last.read_text())["uae_run_exit_code"].values()) == [4.0]
    assert values(success.read_text()) == {LAST_SUCCESS.name: {(("job", "nightly"),): 1000.0}}


def test_a_file_that_cannot_be_written_leaves_the_former_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_metrics(run_of(tmp_path, 0, 1000.0), is_success=True)

    def full(path: str, content: bytes) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr("uae_model.core.metrics_file.write_whole", full)
    with pytest.raises(OSError, match="No space"):
        write_metrics(run_of(tmp_path, 1, 2000.0), is_success=False)
    assert list(values((tmp_path / "uae_nightly.prom").read_text())["uae_run_exit_code"].values()) == [0.0]
