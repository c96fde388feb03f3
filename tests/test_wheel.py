"""The wheel in environments of its own, outside the repository: the light reader, and a night."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from uae_model import __version__
from uae_model.lake.jars import jar_folder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[1]
LARGEST_READER = 300e6
"""Bytes of an environment for reading, without pip, which reading does not take."""
SLOWEST_IMPORT = 1.0
DAY = date(2026, 1, 5)


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Run a command as a stranger to this repository and to this process's Spark would; return its output."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "JAVA_HOME") if key in os.environ}
    kept |= {key: value for key, value in os.environ.items() if key.startswith("PIP_")}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**kept, "SPARK_LOCAL_IP": "127.0.0.1", **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy, so that nothing is left in the repository."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    for name in ("uae_model", "jobs"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run([*pip, "--wheel-dir", "dist", "."], source)
    (built,) = (source / "dist").glob("*.whl")
    assert built.name == f"uae-{__version__}-py3-none-any.whl"
    return built


def environment(folder: Path, *options: str) -> Path:
    """Make an environment without pip; return its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", *options, str(folder)], check=True)
    return folder / "bin" / "python"


def locked(name: str) -> str:
    """Return a package's version and hashes as requirements.txt pins them."""
    (block,) = re.findall(
        rf"^{name}==.*?(?=^\S)", (ROOT / "requirements.txt").read_text(), re.MULTILINE | re.DOTALL
    )
    return str(block)


def write_published_day(tables: Path) -> int:
    """Write a published day of weights by delta-rs; return its rows."""
    weights = pa.table({"dt": [DAY] * 3, "event_id": ["a", "b", "c"], "sample_weight": [1.0, 0.5, 0.25]})
    write_deltalake(str(tables / "weights"), weights, partition_by=["dt"])
    row = {"table_name": "weights", "status": "published", "delta_version": 0, "row_count": 3, "dt": DAY}
    write_deltalake(str(tables / "publications"), pa.Table.from_pylist([row]), partition_by=["dt"])
    return int(weights.num_rows)


def test_the_wheel_alone_reads_weights(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "reader")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    # With hashes pip installs nothing that is not listed: numpy is what pyarrow needs, and there is no more.
    own = f"uae @ {wheel.as_uri()} --hash=sha256:{digest}\n"
    (tmp_path / "wanted.txt").write_text(own + locked("pyarrow") + locked("numpy"))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--require-hashes"]
    run([*pip, "-r", "wanted.txt"], tmp_path)
    size = sum(file.lstat().st_size for file in (tmp_path / "reader").rglob("*") if not file.is_dir())
    assert size < LARGEST_READER

    rows = write_published_day(tmp_path / "tables")
    code = (
        "import json, sys, time; began = time.perf_counter()\n"
        "from uae_model.readers import read_weights_arrow\n"
        "seconds = time.perf_counter() - began\n"
        "table = read_weights_arrow('tables', '2026-01-05', columns=['sample_weight'])\n"
        "print(json.dumps({'seconds': seconds, 'weights': table['sample_weight'].to_pylist(),"
        " 'pandas': 'pandas' in sys.modules}))"
    )
    runs = [json.loads(run([str(python), "-c", code], tmp_path)) for _ in range(3)]
    assert runs[0]["weights"] == [1.0, 0.5, 0.25]
    assert len(runs[0]["weights"]) == rows
    assert not runs[0]["pandas"]
    assert (
        min(one["seconds"] for one in runs) < SLOWEST_IMPORT
    )  # the first one compiles, others share the cores


def test_a_night_runs_outside_the_repository(wheel: Path, tmp_path: Path) -> None:
    python = environment(tmp_path / "installed")
    # The large packages are those of this environment; the project itself is not importable from there.
    (site,) = (tmp_path / "installed" / "lib").glob("python*/site-packages")
    packages = Path(pa.__file__).parents[1]
    (site / "packages.pth").write_text(f"{packages}\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps"]
    run([*pip, "--no-index", "--ignore-installed", str(wheel)], tmp_path)
    # Otherwise a session would fetch the jars.
    (tmp_path / "installed" / "share" / "uae").mkdir(parents=True)
    (tmp_path / "installed" / "share" / "uae" / "jars").symlink_to(jar_folder())

    where = run(
        [str(python), "-c", "import uae_model, jobs; print(uae_model.__file__, jobs.__file__)"], tmp_path
    )
    assert [Path(file).is_relative_to(site) for file in where.split()] == [True, True]
    uae = str(tmp_path / "installed" / "bin" / "uae")
    assert "nightly" in run([uae, "--help"], tmp_path)
    assert run([uae, "--version"], tmp_path) == f"uae {__version__}\n"
    # The settings of Spark that the package carries, and few tasks.
    conf = [site / "uae_model" / "lake" / "spark_conf" / "local.conf", ROOT / "tests" / "spark.conf"]
    spark = [part for file in conf for part in ("--spark-conf", str(file))]
    world = ["--days", "3", "--plays", "1500", "--first-day", "2026-01-05"]
    run([uae, "simulate", "--out", "demo", *world, *spark], tmp_path)
    small = [
        "training.estimator=joint",
        "training.window_days=1",
        "training.epochs=1",
        "training.processes=1",
        "promotion.min_training_plays=0",
        "promotion.beat_base_rate=false",
    ]
    common = ["--config", "demo/uae.toml", *(part for setting in small for part in ("--set", setting))]
    common += spark
    run(
        [uae, "backfill", *common, "--from", "2026-01-05", "--to", "2026-01-06", "--until", "sessions"],
        tmp_path,
    )
    run([uae, "nightly", *common, "--date", "2026-01-07"], tmp_path)
    code = (
        "from uae_model.readers import read_weights_arrow\n"
        "print(read_weights_arrow('demo/tables', '2026-01-07').num_rows)"
    )
    assert int(run([str(python), "-c", code], tmp_path)) > 100


def test_only_what_belongs_travels(wheel: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path, "zip")
    packaged = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert {
        "uae_model/py.typed",
        "jobs/py.typed",
        *(f"uae_model/lake/spark_conf/{file.name}" for file in (ROOT / "spark_conf").iterdir()),
    } <= packaged
    assert {file.partition("/")[0] for file in packaged} == {
        "jobs",
        "uae_model",
        f"uae-{__version__}.dist-info",
    }
