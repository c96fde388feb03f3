"""``python -m benchmarks.skew``: nights in which one user, song or session has far more plays than others.

Each case is a night like any other but for some rows: a share of all plays is given to one user (as a bot,
who is left out, and with a limit that keeps the user), to one song, or ten thousand plays to one session.
Aggregates of user, song and their cross are built, so that joins by these keys meet the skew too. A case runs
in a process of its own; the second night counts, and is compared with the even one step by step.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from benchmarks.claims import Claim, conclude
from benchmarks.measure import ROOT, run_logged
from benchmarks.night.lines import GIGABYTE, NAMES, SHORTEST, counted_night, step_of
from benchmarks.night.run import NIGHTS, REPORT, measure, write_feed
from benchmarks.workspace import made_once
from uae_model.config.load import PROFILE_FOLDER
from uae_model.pages.markdown import markdown_table

MOST = 1.5
"""Times the even night that one with skew may take."""
LONGEST_SESSION = 10_000
SESSION_HOURS = 5.0
EVEN = "even"

AGGREGATES = """
[[features]]
name = "user_plays"
role = "context"
transform = "log1p"
aggregate = { entity = ["user"], function = "count", windows = [1, 7] }
[[features]]
name = "song_plays"
role = "preference"
transform = "log1p"
aggregate = { entity = ["song"], function = "count", windows = [7] }
[[features]]
name = "user_song_plays"
role = "preference"
transform = "log1p"
aggregate = { entity = ["user", "song"], function = "count", windows = [7] }
"""
NO_BOTS = "\n[sessions]\nmax_plays_per_user_day = 1000000000\n"


@dataclass(frozen=True)
class Case:
    """What is given to one key: a share of all plays, or so many of them, of a user or a song."""

    name: str
    column: str = "user_id"
    share: float = 0.0
    plays: int = 0
    keeps_bots: bool = False

    def rows(self, total: int) -> int:
        """Return how many plays of the day the key has."""
        return self.plays or round(self.share * total)


CASES = (
    Case(EVEN),
    Case("a user of 20 % of all plays, left out as a bot", share=0.2),
    Case("a user of 20 % of all plays, kept", share=0.2, keeps_bots=True),
    Case("a song of 10 % of all plays", column="song_id", share=0.1),
    Case("a session of 10,000 plays", plays=LONGEST_SESSION, keeps_bots=True),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all cases, print, write JSON and the table of the page; 1 if skew costs more than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.skew", description=__doc__)
    parser.add_argument("--plays", type=int, default=1_000_000, help="of a day (default 1 million)")
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "skew"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "skew.json"))
    parser.add_argument("--docs", action="store_true", help="also put the table into docs/benchmarks")
    parser.add_argument("--case", type=int, help="run one case alone, for its result")
    args = parser.parse_args(argv)
    data = Path(args.data).resolve() / str(args.plays)
    if args.case is not None:
        run_case(CASES[args.case], args.plays, data / str(args.case))
        return 0
    results = []
    for number, case in enumerate(tqdm(CASES, unit=" cases")):
        results.append({"case": case.name, **_in_a_process(number, args.plays, Path(args.data), data)})
    page = "speed.md" if args.docs else None
    content = {"plays": args.plays, "cases": results}
    return conclude(content, args.out, {"skew": table(results)}, claims(results), page)


def run_case(case: Case, plays: int, folder: Path) -> None:
    """Write a case's feed and run its nights; the result lies beside the folder."""
    made_once(folder, lambda place: _write_feed(case, plays, place))
    measure(folder, folder.with_suffix(".json"), trains=False)


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return the CPU seconds of each step and case, and what they are of the even night."""
    steps = _steps(results[0])
    even = _total(results[0], "cpu_seconds")
    rows = []
    for result in results:
        night = counted_night(result)
        peak = max(step["peak_bytes"] for step in night["steps"])
        rows.append(
            [
                result["case"],
                *[f"{step_of(night, name)['cpu_seconds']:.0f}" for name in steps],
                f"{_total(result, 'cpu_seconds') / even:.2f}x",
                f"{_total(result, 'seconds') / _total(results[0], 'seconds'):.2f}x",
                f"{peak / GIGABYTE:.1f} GB",
            ]
        )
    header = (
        "night",
        *[f"{NAMES[name]}, CPU s" for name in steps],
        "CPU of even",
        "time of even",
        "peak memory",
    )
    return markdown_table(header, rows)


def claims(results: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Return that no case costs more than it may."""
    even = results[0]
    said = []
    for result in results[1:]:
        times = _total(result, "seconds") / _total(even, "seconds")
        text = f"{result['case']}: at most {MOST:g} times the even night"
        said.append(Claim(text, f"{times:.2f} times", times <= MOST))
    return said


def _in_a_process(number: int, plays: int, parent: Path, data: Path) -> dict[str, Any]:
    data.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.skew", "--case", str(number), "--plays", str(plays)]
    run_logged([*command, "--data", str(parent)], data / f"{number}.log")
    result: dict[str, Any] = json.loads((data / f"{number}.json").read_text())
    return {"plays": plays, **result}


def _write_feed(case: Case, plays: int, folder: Path) -> None:
    write_feed(folder, (plays, plays))
    settings = folder / "uae.toml"
    of_default = (PROFILE_FOLDER / "default.toml").read_text()
    bots = NO_BOTS if case.keeps_bots else ""
    settings.write_text(settings.read_text() + bots + of_default + AGGREGATES)
    if case.name == EVEN:
        return
    for day in NIGHTS:
        files = sorted((folder / "feed" / f"dt={day}").glob("*.parquet"))
        total = sum(pq.read_metadata(file).num_rows for file in files)
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for file in files:
            rows = pq.ParquetFile(file).read()
            pq.write_table(_given(case, rows, case.rows(total) / total, midnight), file)


def _given(case: Case, rows: pa.Table, share: float, midnight: datetime) -> pa.Table:
    """Give a share of the rows, evenly spread, to one key; of a session also a time within its hours."""
    rng = np.random.default_rng(rows.num_rows)
    taken = rng.random(rows.num_rows) < share
    place = rows.schema.get_field_index(case.column)
    kept = rows.column(case.column).to_numpy(zero_copy_only=False)
    heavy = "f" * 64 if case.column == "user_id" else "song-heavy"
    rows = rows.set_column(place, case.column, pa.array(np.where(taken, heavy, kept)))
    if not case.plays:
        return rows
    field = rows.schema.field("played_at")
    times = rows.column("played_at").to_numpy(zero_copy_only=False).astype("datetime64[us]").astype(np.int64)
    start = int((midnight + timedelta(hours=1)).timestamp()) * 1_000_000
    within = start + (rng.random(rows.num_rows) * SESSION_HOURS * 3_600_000_000).astype(np.int64)
    moved = pa.array(np.where(taken, within, times)).cast(pa.timestamp("us")).cast(field.type)
    return rows.set_column(rows.schema.get_field_index("played_at"), field, moved)


def _steps(result: Mapping[str, Any]) -> list[str]:
    steps = counted_night(result)["steps"]
    return [step["step"] for step in steps if step["step"] in NAMES and step["seconds"] > SHORTEST]


def _total(result: Mapping[str, Any], figure: str) -> float:
    """Return the sum of a figure over the steps of the counted night but the report."""
    steps = counted_night(result)["steps"]
    return float(sum(step[figure] for step in steps if step["step"] != REPORT))


if __name__ == "__main__":
    sys.exit(main())
