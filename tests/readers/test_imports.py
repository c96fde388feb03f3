"""What each reader imports: nothing heavy but what it is named after."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from uae_model import readers

HEAVY = {"torch", "pyspark", "delta", "mlflow", "petastorm", "scipy", "pandas", "polars", "pydantic"}


def imported_by(statement: str) -> set[str]:
    """Return the heavy packages that a fresh Python has loaded after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout)} & HEAVY


@pytest.mark.slow
@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import uae_model.readers", set()),
        ("from uae_model.readers import read_weights_arrow", set()),
        ("from uae_model.readers import published_features, published_days", set()),
        ("from uae_model.readers import read_weights_pandas", {"pandas"}),
        ("from uae_model.readers import read_weights_polars", {"polars"}),
        ("from uae_model.readers import read_weights", {"pyspark", "delta", "pydantic"}),
        ("from uae_model.readers import weighted_batches", {"pydantic", "pandas"}),
    ],
)
def test_a_reader_imports_only_what_it_needs(statement: str, allowed: set[str]) -> None:
    assert imported_by(statement) <= allowed


def test_every_public_name_is_there() -> None:
    assert sorted(readers.__all__) == readers.__all__
    for name in readers.__all__:
        assert getattr(readers, name).__name__ == name


def test_another_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"module uae_model\.readers has no attribute read_everything"):
        getattr(readers, "read_everything")  # noqa: B009 - mypy knows that it is not there
