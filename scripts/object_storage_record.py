"""What two runs of the same nights, on this machine and on S3, have in common: record and page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.fs as pafs

from scripts.record_on_page import RecordOnPage
from uae_model.config import load_config
from uae_model.core.digests import lines_digest
from uae_model.core.errors import AnotherRunError
from uae_model.core.filesystems import open_location
from uae_model.lake import FEED, SECONDS
from uae_model.pages.markdown import markdown_table

if TYPE_CHECKING:
    from scripts.object_storage_night import Site

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "benchmarks" / "object_storage.json"
PAGE = ROOT / "docs" / "howto" / "object-storage.md"

CLOCK = {"day_states": ("committed_ms", "recorded_at"), "refusals": ("refused_at",)}
"""Columns that tell when a run wrote a row."""
PLACES = ("lineage", "model_digest")
"""Digests that hold where files lay: the declaration of a model names the folder of its snapshot."""
PARTS = {
    "publications": PLACES,
    "day_states": ("seconds and digests of places in counts", "fingerprints of files in inputs"),
}
"""What else is left out: how long a run took, and digests of places and times of files."""

TABLES = (
    *("events", "quarantine", "users", "songs", "plays", "features", "scores", "weights"),
    *("publications", "refusals", "day_states", "feature_health", "feature_partials", "forgotten"),
)


def compare(
    local: Site, remote: Site, nights: Sequence[date], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Return what both runs gave, and whether it is the same.

    Args:
        local: the run on this machine.
        remote: the run on S3; the environment says how that is reached.
        nights: the published days.
        seconds: that each run took.
    """
    return {
        "nights": [str(night) for night in nights],
        "folders": folders(local.root, remote.root),
        "tables": tables(local.tables, remote.tables),
        "models": [models(local), models(remote)],
        "readers": readers(local, remote, nights),
        "seconds": {name: round(value) for name, value in seconds.items()},
    }


def folders(*roots: str) -> list[list[str]]:
    """Return the names of the folders that lie below each root: none may have been written elsewhere."""
    listed = []
    for root in roots:
        filesystem, path = open_location(root)
        selector = pafs.FileSelector(path)
        listed.append(
            sorted(info.base_name for info in filesystem.get_file_info(selector) if not info.is_file)
        )
    return listed


def tables(local: str, remote: str) -> list[dict[str, Any]]:
    """Return the rows of each table of the local run, those of the other, and whether all are equal."""
    lines = []
    for name in _names(local):
        here, there = rows_of(local, name), rows_of(remote, name)
        lines.append(
            {
                "table": name,
                "rows": [len(here), len(there)],
                "equal": here == there,
                "left_out": [*CLOCK.get(name, ()), *PARTS.get(name, ())],
            }
        )
    return lines


def _names(tables: str) -> list[str]:
    filesystem, path = open_location(tables)
    found = {info.base_name for info in filesystem.get_file_info(pafs.FileSelector(path))}
    return [name for name in TABLES if name in found]


def rows_of(tables: str, name: str) -> list[str]:
    """Return the rows of a table as text, in order, without what is left out of the comparison."""
    from uae_model.readers import read_table_arrow

    left_out = CLOCK.get(name, ())
    table = read_table_arrow(tables, name)
    table = table.select([column for column in sorted(table.column_names) if column not in left_out])
    return sorted(_text(row) for row in table.to_pylist())


def _text(row: dict[str, Any]) -> str:
    if row.get("table_name") == FEED and "inputs" in row:
        del row["inputs"]
    for name in PLACES:
        row.pop(name, None)
    if "counts" in row:
        counts = json.loads(row["counts"])
        row["counts"] = {name: counts[name] for name in counts if name not in (SECONDS, *PLACES)}
    return json.dumps(row, default=str, sort_keys=True)


def models(site: Site) -> dict[str, Any]:
    """Return the held-out loss of each version of a run, and a digest of the champion's parameters."""
    from uae_model.pipeline.job import registry_of
    from uae_model.pipeline.models import overview_of

    config = load_config(site.folder / "uae.toml")
    state = registry_of(config).champion().state
    networks = [
        f"{network} {name} {value.tolist()}"
        for network in ("attention", "propensity")
        for name, value in sorted(state[network].items())
    ]
    losses = {str(line["version"]): line["loss"] for line in overview_of(config).summary["models"]}
    return {"losses": losses, "networks": lines_digest(networks)}


def readers(local: Site, remote: Site, nights: Sequence[date]) -> list[dict[str, Any]]:
    """Return how many rows each reader gave from both, and whether they are the same."""
    from pyspark.sql import SparkSession

    from uae_model import readers as reading
    from uae_model.lake.spark import start_spark

    spark: SparkSession = start_spark("object-storage", remote.confs)
    first, last = nights[0], nights[-1]
    ways: dict[str, Callable[[str], Iterable[str]]] = {
        "Arrow": lambda tables: _lines(reading.read_weights_arrow(tables, first, last).to_pandas()),
        "pandas": lambda tables: _lines(reading.read_weights_pandas(tables, first, last)),
        "Polars": lambda tables: _lines(reading.read_weights_polars(tables, first, last).to_pandas()),
        "torch": lambda tables: _batches(tables, first, last),
        "Spark": lambda tables: _lines(reading.read_weights(spark, tables, first, last).toPandas()),
    }
    lines = []
    for name, read in ways.items():
        here, there = sorted(read(local.tables)), sorted(read(remote.tables))
        equal = lines_digest(here) == lines_digest(there)
        lines.append({"reader": name, "rows": [len(here), len(there)], "equal": equal})
    spark.stop()
    return lines


def _lines(frame: Any) -> Iterable[str]:
    ordered = frame[sorted(frame.columns)]
    return ordered.astype(str).agg("|".join, axis=1).tolist()  # type: ignore[no-any-return]


def _batches(tables: str, first: date, last: date) -> Iterable[str]:
    """Yield a line for each sample that the torch reader gives."""
    from uae_model.readers import weighted_batches

    for batch in weighted_batches(tables, first, last, seed=3):
        columns = [batch.label_B, batch.sample_weight_B]
        columns += [batch.features[name] for name in sorted(batch.features)]
        yield from map(str, zip(*(column.tolist() for column in columns), strict=True))


def differences(result: Mapping[str, Any]) -> list[str]:
    """Return what is not the same in both runs, in sentences; a run of nothing is no success."""
    wrong = [f"table {line['table']}: other rows" for line in result["tables"] if not line["equal"]]
    wrong += [f"reader {line['reader']}: other rows" for line in result["readers"] if not line["equal"]]
    wrong += [f"reader {line['reader']}: no rows" for line in result["readers"] if not min(line["rows"])]
    rows = {line["table"]: min(line["rows"]) for line in result["tables"]}
    wrong += [f"table {name}: no rows" for name in ("weights", "quarantine", "songs") if not rows.get(name)]
    if result["models"][0] != result["models"][1] or not result["models"][0]["losses"]:
        wrong.append("other models")
    if result["second_writer"] != AnotherRunError.exit_code:
        wrong.append(f"a second writer ended with exit code {result['second_writer']}")
    written = set(result["folders"][1])
    missing = {"checkpoints", "mlflow_artifacts", "reports", "snapshots", "tables"} - written
    if missing:
        wrong.append(f"nothing on S3 in {', '.join(sorted(missing))}")
    return wrong


def table(result: Mapping[str, Any]) -> str:
    """Return what was compared as a table in Markdown."""
    tables, readers = result["tables"], result["readers"]
    here, there = result["models"]
    left_out = [f"`{line['table']}`: {', '.join(line['left_out'])}" for line in tables if line["left_out"]]
    seconds = result["seconds"]
    rows = [
        [
            "rows of tables",
            ", ".join(f"`{line['table']}` {_rows(line)}" for line in tables),
            _verdict(all(line["equal"] for line in tables)),
            "; ".join(left_out),
        ],
        [
            "rows of readers",
            ", ".join(f"{line['reader']} {_rows(line)}" for line in readers),
            _verdict(all(line["equal"] for line in readers)),
            "",
        ],
        [
            "models: all parameters, held-out loss",
            str(len(here["losses"])),
            _verdict(here == there),
            "",
        ],
        ["exit code of a second writer on S3", str(result["second_writer"]), "", ""],
        ["seconds", f"{seconds['local']:,}, on S3 {seconds['s3']:,}", "", ""],
    ]
    return f"{markdown_table(['what', 'how many', 'equal', 'not compared'], rows, labels=4)}\n"


def _rows(line: Mapping[str, Any]) -> str:
    here, there = line["rows"]
    return f"{here:,}" if here == there else f"{here:,} and {there:,}"


def _verdict(is_equal: bool) -> str:
    return "yes" if is_equal else "NO"


ON_PAGE = RecordOnPage(RECORD, PAGE, table)
