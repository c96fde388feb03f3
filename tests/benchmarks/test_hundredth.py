"""A hundredth of the night of a hundred million plays: feed, tables, training on drawn users, publication."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from benchmarks.night.lines import COUNTED, step_of
from benchmarks.night.run import PLAYS_OF_ONE_DRAWN, REPORT, TRAINED
from tests.cluster.runs import REPOSITORY
from uae_model.snapshot.manifest import load_manifest

PLAYS, SECOND = 1_000_000, 100_000
MOST_BYTES = 12e9
"""Of all processes together, pages that they share counted in each; the driver has 4 GiB."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def test_a_night_of_a_million_plays_and_another_with_a_model_of_drawn_users(tmp_path: Path) -> None:
    folder, result = tmp_path / "night", tmp_path / "night.json"
    command = [sys.executable, "-m", "benchmarks.night.run", str(folder), str(PLAYS), str(result)]
    run = subprocess.run(
        [*command, "--second", str(SECOND), "--train"],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "SPARK_LOCAL_IP": "127.0.0.1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    nights = json.loads(result.read_text())["nights"]
    weights = folder / "tables" / "weights"
    for night in nights:
        day = night["day"]
        files = DeltaTable(str(weights)).file_uris(file_pruning_predicate=[("dt", "=", day)])
        rows = sum(pq.read_metadata(unquote(file)).num_rows for file in files)
        assert rows == night["plays"] > 0.9 * (PLAYS if night is nights[0] else SECOND)
        assert (folder / "reports" / f"{day}.html").exists()
        steps = {step["step"] for step in night["steps"]}
        assert steps >= {*COUNTED, REPORT}
        for step in night["steps"]:
            assert step["peak_bytes"] < MOST_BYTES, step["step"]
    assert step_of(nights[0], TRAINED)["bytes_read"] > 0
    manifests = [load_manifest(str(path.parent)) for path in (folder / "snapshots").rglob("manifest.json")]
    trained = max(manifest.train.plays + manifest.validation.plays for manifest in manifests if manifest)
    drawn = PLAYS / PLAYS_OF_ONE_DRAWN
    assert 0.7 * drawn < trained < 1.1 * drawn  # eight and one of ten sessions of about so many plays
