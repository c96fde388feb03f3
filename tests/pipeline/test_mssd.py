"""Spotify's session log through the whole chain: the real sample where it lies, else one of the same form.

The sample's licence keeps it out of the repository. The tests compare the tables with an independent
reading of whatever files there are.
"""

from __future__ import annotations

import csv
import gzip
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from tests.builders import mssd_row, write_mssd
from tests.pipeline.building import ingest
from uae_model.config import load_config
from uae_model.ingest.accounting import IngestCounts
from uae_model.ingest.feed import Feed
from uae_model.lake import TableStore
from uae_model.pipeline.nightly import ingested, prepare_days, run_night, train
from uae_model.pipeline.steps.training import promote
from uae_model.readers.spark import read_weights
from uae_model.registry.client import Registry

SAMPLE = Path(os.environ.get("UAE_MSSD_SAMPLE", Path(__file__).parents[3] / "shared" / "data" / "mssd"))
ACTIVE = {"fwdbtn", "backbtn", "remote"}
TABLES = ("events", "quarantine", "plays", "weights", "publications")

SMALL = (
    *("training.window_days=1", "training.epochs=1", "training.processes=1", "training.batch_plays=512"),
    *("training.stickiness=[0.4]", "training.diagnose_roles=false"),
    *("network.embedding=2", "network.hidden=4", "network.mlp=[8]"),
    # Some hundred plays make no model worth promoting.
    *("promotion.beat_base_rate=false", "promotion.min_training_plays=0"),
)

pytestmark = pytest.mark.slow


def synthetic_sample(folder: Path) -> Path:
    """Write two days of sessions in the form of the sample: positions from 2, some over midnight."""
    endings = ("trackdone", "fwdbtn", "endplay", "backbtn", "trackdone", "fwdbtn", "remote", "logout")
    lines = []
    for number in range(40):
        day = "2018-07-15" if number < 15 else "2018-07-16"
        for position in range(2, 4 + number % 8):
            over_midnight = number == 0 and position > 3
            lines.append(
                mssd_row(
                    f"{number % 3}_{number:08x}",
                    position,
                    endings[(number * 3 + position) % len(endings)],
                    date="2018-07-16" if over_midnight else day,
                    hour_of_day=0 if over_midnight else 23 - number % 12,
                    premium=str(number % 2 == 0).lower(),
                    track_id_clean=f"t_{(number + position) % 25}",
                )
            )
    return write_mssd(folder, lines)


def read_files(folder: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for file in sorted(folder.glob("*.csv.gz")):
        with gzip.open(file, "rt") as lines:
            rows += csv.DictReader(lines)
    return rows


def session_days(rows: list[dict[str, str]]) -> dict[str, date]:
    """Return the UTC day on which each session's first play starts, three minutes a position."""
    hours: dict[str, list[datetime]] = defaultdict(list)
    positions: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        hours[row["session_id"]].append(
            datetime.strptime(f"{row['date']} {row['hour_of_day']}", "%Y-%m-%d %H")
        )
        positions[row["session_id"]].append(int(row["session_position"]))
    return {
        name: (min(hours[name]) + timedelta(minutes=3 * (min(positions[name]) - 1))).date() for name in hours
    }


@pytest.fixture(scope="module")
def chain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Ingest, sessions, training, promotion and two nights; what each of them gave."""
    folder = tmp_path_factory.mktemp("mssd")
    source = SAMPLE if any(SAMPLE.glob("*.csv.gz")) else synthetic_sample(folder / "log")
    rows = read_files(source)
    days = session_days(rows)
    day = Counter(days[row["session_id"]] for row in rows).most_common(1)[0][0]
    (folder / "uae.toml").touch()
    config = load_config(
        folder / "uae.toml", profile="mssd", overrides=[f"paths.feed={source.as_posix()}", *SMALL]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UAE_HMAC_KEY", "an hmac key for tests")
        store, registry = TableStore(spark, config), Registry(config)
        prepared = prepare_days(store, day - timedelta(days=1), day)
        counts, built = ingested(prepared), [result.state for result in prepared["plays"]]
        versions = train(store, registry, day)
        champion = promote(config, registry)
        night = run_night(store, registry, day)
        before = {name: store.latest_version(name) for name in TABLES}
        again = run_night(TableStore(spark, config), registry, day)
        after = {name: store.latest_version(name) for name in TABLES}
        feed = Feed(spark, config)
        yield {
            **{"rows": rows, "days": days, "day": day, "store": store, "counts": counts, "built": built},
            **{"trained": versions, "champion": champion, "night": night, "again": again},
            **{"versions": (before, after), "once more": ingest(store, feed, day)},
        }


def test_every_row_of_the_log_is_an_event(chain: dict[str, Any]) -> None:
    rows = chain["rows"]
    assert chain["counts"] == IngestCounts(read=len(rows), quarantined=0, inserted=len(rows), updated=0)
    assert chain["once more"] == IngestCounts()
    events = chain["store"].read("events")
    assert events.count() == len({(row["session_id"], row["session_position"]) for row in rows})
    assert events.select("user_id").distinct().count() == len(chain["days"])


def test_each_session_of_the_log_is_a_session_of_its_day(chain: dict[str, Any]) -> None:
    for built in chain["built"]:
        mine = {name for name, day in chain["days"].items() if day == built.unit.day}
        assert built.counts["sessions"] == len(mine) > 0
        assert built.counts["plays"] == sum(row["session_id"] in mine for row in chain["rows"])
        assert built.counts["excluded"] == 0
    assert chain["built"][-1].unit.day == chain["day"]


def test_active_plays_are_those_that_the_listener_ended_by_hand(chain: dict[str, Any]) -> None:
    plays = chain["store"].read("plays", [chain["day"]])
    mine = [row for row in chain["rows"] if chain["days"][row["session_id"]] == chain["day"]]
    active = sum(row["hist_user_behavior_reason_end"] in ACTIVE for row in mine)
    assert 0 < active < len(mine)
    assert plays.where("is_active").count() == active
    # No column tells what a listener liked: an active play is a skip, the rest count as liked.
    assert plays.where("label = 1").count() == len(mine) - active


def test_the_night_publishes_a_weight_for_every_play(chain: dict[str, Any]) -> None:
    night, store = chain["night"], chain["store"]
    assert night["weights"] == night["plays"] == chain["built"][-1].counts["plays"]
    assert chain["trained"] == (1, 1)
    assert chain["champion"] == night["attention_model_version"] == 1
    assert (night["dt"], night["quarantined"], night["republished"]) == (chain["day"].isoformat(), 0, [])
    rows = read_weights(store.spark, store.config.paths.tables, chain["day"]).collect()
    assert len(rows) == night["plays"]
    assert {row["sample_weight"] for row in rows if row["is_active"]} == {1.0}
    # The default: the attention itself, smoothed over the session. An active play weighs 1 even where it may
    # have happened without attention.
    assert all(row["sample_weight"] == row["attention"] for row in rows if not row["is_active"])
    assert all(0 < row["attention"] < 1 for row in rows if not row["is_active"])
    assert all(0 < row["propensity"] < 1 for row in rows)
    assert {row["weighting"] for row in rows} == {"linear(smoothed)"}


def test_the_same_night_again_changes_no_table(chain: dict[str, Any]) -> None:
    before, after = chain["versions"]
    assert after == before
    timeless = [
        {key: value for key, value in chain[name].items() if key != "seconds"} for name in ("night", "again")
    ]
    assert timeless[0] == timeless[1]
    assert list(chain["again"]["seconds"]) == ["ingest", "sessions", "score", "publish"]
