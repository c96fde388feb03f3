"""Writes deploy/contracts/: each table's contract in the Open Data Contract Standard (ODCS), from the code.

.venv/bin/python scripts/contracts.py                                        those of the profile "default"
.venv/bin/python scripts/contracts.py --config uae.toml --out contracts      those of your own features
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import yaml  # noqa: E402
from pyspark.sql import types as T  # noqa: E402, N812

from uae_model import __version__  # noqa: E402
from uae_model.config import Config, load_config  # noqa: E402
from uae_model.lake import TABLES, TableContract, contract_for  # noqa: E402

FOLDER = ROOT / "deploy" / "contracts"
STANDARD = "v3.1.0"
NOTE = "# Written by scripts/contracts.py; change uae_model/lake/contracts.py, then run `make reference`.\n"

LOGICAL: dict[type[T.DataType], tuple[str, dict[str, Any]]] = {
    T.StringType: ("string", {}),
    T.BinaryType: ("string", {"format": "binary"}),
    T.BooleanType: ("boolean", {}),
    T.IntegerType: ("integer", {"format": "i32"}),
    T.LongType: ("integer", {"format": "i64"}),
    T.DoubleType: ("number", {"format": "f64"}),
    T.DateType: ("date", {}),
    T.TimestampType: ("timestamp", {"timezone": True, "defaultTimezone": "Etc/UTC"}),
}
"""The standard's type of each type of Spark, with its options."""

PINNED = (
    "Read a day at the version that the table publications names; the readers of uae_model.readers do. "
    "What is not published is not to be read."
)


def texts(config: Config) -> dict[str, str]:
    """Return each table's contract as YAML, by the name of its file."""
    return {
        f"{name}.odcs.yaml": NOTE
        + yaml.safe_dump(standard_contract(contract_for(name, config)), sort_keys=False, width=110)
        for name in TABLES
    }


def standard_contract(contract: TableContract) -> dict[str, Any]:
    """Return a table's contract as the standard has it."""
    described = {"purpose": contract.purpose, **({"usage": PINNED} if contract.is_pinned else {})}
    return {
        "apiVersion": STANDARD,
        "kind": "DataContract",
        "id": f"uae.{contract.name}",
        "name": contract.name,
        "version": __version__,
        "status": "active",
        "description": described,
        "schema": [
            {
                "name": contract.name,
                "physicalName": contract.name,
                "physicalType": "delta table",
                "logicalType": "object",
                "description": contract.purpose,
                "properties": [_property(column, contract) for column in contract.schema.fields],
                "quality": _quality(contract),
            }
        ],
        "slaProperties": [
            {
                "property": "retention",
                "value": contract.retention_days,
                "unit": "d",
                "element": contract.name,
                "description": "old versions of the table stay readable so long",
            }
        ],
    }


def _property(column: T.StructField, contract: TableContract) -> dict[str, Any]:
    key, partition = contract.key, contract.partition
    return {
        "name": column.name,
        **_types(column.dataType),
        "required": not column.nullable,
        **(
            {"primaryKey": True, "primaryKeyPosition": key.index(column.name) + 1}
            if column.name in key
            else {}
        ),
        **({"partitioned": True, "partitionKeyPosition": 1} if column.name == partition else {}),
    }


def _types(kind: T.DataType) -> dict[str, Any]:
    if isinstance(kind, T.ArrayType):
        return {
            "logicalType": "array",
            "physicalType": kind.simpleString(),
            "items": _types(kind.elementType),
        }
    logical, options = LOGICAL[type(kind)]
    return {
        "logicalType": logical,
        "physicalType": kind.simpleString(),
        **({"logicalTypeOptions": dict(options)} if options else {}),
    }


def _quality(contract: TableContract) -> list[dict[str, Any]]:
    """Return the uniqueness of the key, and each constraint as the count of rows that break it.

    Delta refuses a row of which a constraint is NULL, as one of which it is false.
    """
    unique = {
        "name": "key_is_unique",
        "dimension": "uniqueness",
        "type": "library",
        "metric": "duplicateValues",
        "arguments": {"properties": list(contract.key)},
        "mustBe": 0,
        "unit": "rows",
    }
    rules = [
        {
            "name": name,
            "dimension": "conformity",
            "type": "sql",
            "query": f"SELECT COUNT(*) FROM {contract.name} WHERE ({rule}) IS NOT TRUE",  # noqa: S608 - the code's own
            "mustBe": 0,
            "unit": "rows",
        }
        for name, rule in contract.constraints.items()
    ]
    return [unique, *rules]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the contracts."""
    parser = argparse.ArgumentParser(prog="scripts/contracts.py", description=__doc__)
    parser.add_argument("--config", help="TOML file with your features; without it the profile default")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    for name, text in texts(load_config(args.config)).items():
        (args.out / name).write_text(text)


if __name__ == "__main__":
    main()
