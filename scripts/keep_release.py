"""Keeps small tables and models of this release for every later one: ``tests/upgrade/VERSION``.

A simulated world of a few users: two published days, one that a gate refused, a registered pair of models.
``kept.tar.xz`` has the folder, ``expected.json`` what must be read out of it; tests/upgrade reads both.
`make keep-release` runs it when a release is made, with that release's code.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from scripts.airflow_nights import damage
from uae_model import __version__
from uae_model.config import load_config
from uae_model.config.load import PROFILE_FOLDER
from uae_model.core.digests import FULL_DIGITS, text_digest
from uae_model.core.errors import PublicationRefusedError
from uae_model.lake import TableStore
from uae_model.lake.spark import SPARK_CONF_FOLDER, start_spark
from uae_model.pipeline.nightly import prepare_days, run_night, train
from uae_model.pipeline.simulate import simulate, world_of
from uae_model.pipeline.steps.training import promote
from uae_model.readers.arrow import read_table_arrow, read_weights_arrow
from uae_model.registry.client import Registry
from uae_model.simulation.feed import Defects

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyspark.sql import SparkSession

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "tests" / "upgrade"
ARCHIVE, EXPECTED = "kept.tar.xz", "expected.json"
LARGEST = 500_000
"""Bytes of an archive, at most: a repository keeps every release for ever."""

FIRST, LAST_TRAINED = date(2026, 1, 5), date(2026, 1, 6)
PUBLISHED = [LAST_TRAINED + timedelta(days=number) for number in (1, 2)]
REFUSED = PUBLISHED[-1] + timedelta(days=1)
PLACE = Path(tempfile.gettempdir()) / f"uae-{__version__}"
"""Where the folder is made: tables and registry remember it, so it is no folder of this repository's."""
LEFT_OUT = ("snapshots", "checkpoints")
"""What a training leaves behind and nothing reads afterwards."""
PLAYS_SHOWN = 5

SETTINGS = """
[paths]
hmac_key_file = "hmac.key"
[feed]
format = "jsonl"
late_days = 1
[sessions]
max_plays_per_user_day = 60
[network]
embedding = 2
hidden = 4
mlp = [8, 4]
[training]
estimator = "chain"
stickiness = [0.7]
diagnose_roles = false
window_days = 1
epochs = 1
batch_plays = 512
processes = 1
[promotion]
beat_base_rate = false
min_training_plays = 0
min_evidence_auc = 0.0
[publication]
feature_health = true
[[features]]
name = "user_plays"
role = "preference"
aggregate = { entity = ["user"], function = "count", windows = [7] }
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the folder, write archive and expectations; 2 if this release is kept already."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--again", action="store_true", help="replace what is kept of this version: only before its release"
    )
    again = parser.parse_args(argv).again
    target = KEPT / __version__
    if target.exists() and not again:
        print(f"keep: {target} exists; what was released is never written again", file=sys.stderr)
        return 2
    if PLACE.exists():
        print(f"keep: {PLACE} is in the way; remove it", file=sys.stderr)
        return 2
    try:
        with _session() as spark:
            make(spark, PLACE)
        target.mkdir(parents=True, exist_ok=True)
        pack(PLACE, target / ARCHIVE)
        text = json.dumps(expectations(PLACE), indent=2, default=str)
        (target / EXPECTED).write_text(text + "\n")
    finally:
        shutil.rmtree(PLACE, ignore_errors=True)
    size = (target / ARCHIVE).stat().st_size
    print(f"keep: {target / ARCHIVE} has {size:,} bytes")
    return int(size > LARGEST)


@contextmanager
def _session() -> Iterator[SparkSession]:
    spark = start_spark("keep", [SPARK_CONF_FOLDER / "local.conf", ROOT / "tests" / "spark.conf"])
    try:
        yield spark
    finally:
        spark.stop()


def make(spark: SparkSession, folder: Path) -> None:
    """Write a feed of six slots, train on two days, publish two and have a gate refuse one."""
    folder.mkdir()
    # Features of a file stand in place of the profile's: all are written out.
    features = (PROFILE_FOLDER / "dimensions.toml").read_text()
    (folder / "uae.toml").write_text(f"{SETTINGS}\n{features}")
    (folder / "hmac.key").write_text(text_digest("a key of no secret", FULL_DIGITS))
    config = load_config(folder / "uae.toml")
    store, registry = TableStore(spark, config), Registry(config)
    days = (REFUSED - FIRST).days + 1
    world = world_of(900, seed=7, first_day=FIRST, days=days, songs=60)
    # No late rows: the refused night would reopen the day before it, and leave that to be published again.
    defects = Defects(duplicated=0.01, late=0.0, bad=0.01, bot_plays=70)
    simulate(store, str(folder / "feed"), world, defects, "jsonl")
    damage(folder / "feed" / f"dt={REFUSED}")
    _in_whole_seconds(folder)
    prepare_days(store, FIRST, LAST_TRAINED, features=True)
    version, _ = train(store, registry, LAST_TRAINED)
    promote(config, registry, version)
    for day in PUBLISHED:
        run_night(store, registry, day)
    try:
        run_night(store, registry, REFUSED)
    except PublicationRefusedError:
        return
    raise RuntimeError(f"the night of {REFUSED} was to be refused")


def _in_whole_seconds(folder: Path) -> None:
    """Cut the times of the feed's files, so that an archive keeps them to the last digit."""
    for file in [*folder.glob("feed/**/*"), *folder.glob("dimensions/**/*")]:
        moment = int(file.stat().st_mtime)
        os.utime(file, (moment, moment))


def pack(folder: Path, archive: Path) -> None:
    """Write the folder into an archive, without what nothing reads, and without the user's name."""

    def kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if member.name.partition("/")[0] in LEFT_OUT or member.name.endswith(".crc"):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    with tarfile.open(archive, "w:xz", preset=9) as written:
        for path in sorted(folder.iterdir()):
            written.add(path, path.name, filter=kept)


def expectations(folder: Path) -> dict[str, Any]:
    """Return what must be read out of the folder by every later release."""
    config = load_config(folder / "uae.toml")
    tables = config.paths.tables
    weights = read_weights_arrow(tables, PUBLISHED[0], PUBLISHED[-1])
    names = sorted(path.name for path in Path(tables).iterdir() if (path / "_delta_log").is_dir())
    registry = Registry(config)
    shown = weights.sort_by("event_id").slice(0, PLAYS_SHOWN).to_pylist()
    return {
        "version": __version__,
        "place": str(folder),
        "published": PUBLISHED,
        "refused": REFUSED,
        "rows": {name: read_table_arrow(tables, name, []).num_rows for name in names},
        "weight_columns": weights.column_names,
        "weights_digest": digest_of(weights, weights.column_names),
        "champion": registry.champion_versions(),
        "model_digest": registry.champion().digest,
        "plays": [
            {name: row[name] for name in ("event_id", "attention", "propensity", "sample_weight")}
            for row in shown
        ],
    }


def digest_of(weights: pa.Table, columns: Sequence[str]) -> str:
    """Return a digest of some columns of weights, whatever the order of their rows."""
    rows = weights.sort_by([("dt", "ascending"), ("event_id", "ascending")]).select(list(columns)).to_pylist()
    return text_digest(json.dumps(rows, default=str), FULL_DIGITS)


if __name__ == "__main__":
    sys.exit(main())
