"""Writes docs/reference/: settings, tables and commands, from the code that holds them.

.venv/bin/python scripts/reference.py            write the pages
.venv/bin/python scripts/reference.py --check    change nothing; 1 if a page differs from the code
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import BaseModel  # noqa: E402
from pydantic.fields import FieldInfo  # noqa: E402

from jobs.cli import STEPS  # noqa: E402
from jobs.common import job_parser  # noqa: E402
from scripts.licences import licences, other_platforms  # noqa: E402
from uae_model.config import PROFILES, Aggregate, Config, Dimension, Feature, load_config  # noqa: E402
from uae_model.config.load import PROFILE_FOLDER  # noqa: E402
from uae_model.core.run_figures import METRICS  # noqa: E402
from uae_model.lake import TABLES, TableContract, contract_for  # noqa: E402
from uae_model.pages.markdown import markdown_table  # noqa: E402

FOLDER = ROOT / "docs" / "reference"
NOTE = (
    "<!-- Written by scripts/reference.py; change the code that it describes, then run `make reference`. -->"
)
HELP_COLUMNS = "100"
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def pages() -> dict[str, str]:
    """Return the text of every generated page by its file name."""
    return {
        "configuration.md": configuration(),
        "tables.md": tables(),
        "commands.md": commands(),
        "metrics.md": metrics(),
        "licences.md": licence_page(),
    }


def configuration() -> str:
    """Return every setting of every section, then the keys of features, aggregates and dimensions."""
    config = load_config(None)
    parts = [
        "# Settings",
        NOTE,
        "The settings stand in one TOML file. A key that is absent has its default. A wrong key stops the "
        "job at the start, and the message names the key, the value and what is allowed. On the command "
        "line `--set section.key=value` changes one setting. Relative paths count from the file's folder.",
        "```toml\n"
        'profile = "default"          # settings to start from, see below\n\n'
        "[sessions]\n"
        "gap_minutes = 20             # sessions.gap_minutes in the tables of this page\n"
        "```",
    ]
    for name, field in Config.model_fields.items():
        section = getattr(config, name)
        if isinstance(section, BaseModel):
            parts += [f"## {name}", _first_sentence(type(section)), _settings(type(section), name)]
        elif name not in ("features", "dimensions"):
            raise TypeError(f"{name} is neither a section nor known to this page: {field}")
    for title, model in (
        ("[[features]]", Feature),
        ("aggregate = { ... } of a feature", Aggregate),
        ("[[dimensions]]", Dimension),
    ):
        parts += [f"## {title}", _first_sentence(model), _settings(model, "")]
    parts += ["## Profiles", "A profile is a set of settings to start from; your file is laid over it."]
    parts.append(
        _table(["profile", "what it holds"], [[f"`{name}`", _about_profile(name)] for name in PROFILES])
    )
    return _page(parts)


def metrics() -> str:
    """Return every metric that a run leaves, with its labels."""
    rows = [[f"`{metric.name}`", metric.meaning, ", ".join(metric.labels)] for metric in METRICS]
    return _page(
        [
            "# Metrics",
            NOTE,
            "Each job leaves these gauges in the folder `paths.metrics`, as text files of Prometheus: what "
            "is known of its last run, however that ended, in `uae_JOB.prom`; what has the label `job` "
            "alone, of its last run with exit code 0, in `uae_JOB_success.prom`. What a run has no value of "
            "is left out. The label `day` is the day that the figure is of, and otherwise the one that the "
            "run was asked for, of a range the last. "
            "[The runbook](../runbook.md) says what to do when an alert fires.",
            _table(["metric", "meaning", "labels"], rows),
        ]
    )


def licence_page() -> str:
    """Return the licence of every pinned package."""
    run, dev = ROOT / "requirements.txt", ROOT / "requirements-dev.txt"
    of_run = licences(run)
    only_dev = [row for row in licences(dev) if row not in of_run]
    head = ["package", "version", "licence"]
    elsewhere = ", ".join(f"`{name}`" for name in other_platforms((run, dev)))
    return _page(
        [
            "# Licences",
            NOTE,
            "What each pinned package states of itself in its metadata, on Linux. "
            "[Supply chain](../supply-chain.md) has the decisions on those that are not permissive.",
            "## What the jobs need",
            _table(head, [list(row) for row in of_run]),
            "## What tests, documentation and benchmarks need besides",
            _table(head, [list(row) for row in only_dev]),
            f"Pinned for other platforms alone: {elsewhere}.",
        ]
    )


def tables() -> str:
    """Return the contract of each table in the default profile."""
    config = load_config(None)
    parts = [
        "# Tables",
        NOTE,
        "All tables are Delta tables. Their contracts are code (`uae_model.lake`), which also creates the "
        "tables and refuses rows that break a contract. The columns below are those of the profile "
        "`default`: feature columns follow your declarations, and `users` and `songs` also have the "
        "attributes that `[[dimensions]]` declares.",
    ]
    for name in TABLES:
        parts += _contract(contract_for(name, config))
    return _page(parts)


def commands() -> str:
    """Return the options that all steps share, then the help of each step without these."""
    parts = [
        "# Commands",
        NOTE,
        "One program, `uae`, runs every step. [Operations](../operations.md) has its exit codes.",
        _table(
            ["step", "what it does"], [[f"[`{step}`](#uae-{step})", text] for step, text in STEPS.items()]
        ),
    ]
    shared = shared_options()
    parts += ["## Options of every step", f"```text\n{shared}\n```"]
    for step in STEPS:
        parts += [f"## uae {step}", f"```text\n{help_of(step).replace(shared + chr(10), '')}\n```"]
    return _page(parts)


def shared_options() -> str:
    """Return the options that every step takes, as its help shows them."""
    os.environ["COLUMNS"] = HELP_COLUMNS
    text = job_parser("STEP", "", "").format_help()
    return text[text.index("  --config") :].split("\n\n")[0]


def help_of(step: str) -> str:
    """Return what ``uae STEP --help`` prints."""
    os.environ["COLUMNS"] = HELP_COLUMNS
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        importlib.import_module(f"jobs.{step.replace('-', '_')}").main(["--help"])
    return printed.getvalue().rstrip()


def _contract(contract: TableContract) -> list[str]:
    partition = (
        f"one partition a UTC day, `{contract.partition}`" if contract.partition else "not partitioned"
    )
    facts = [
        f"Key: {', '.join(f'`{column}`' for column in contract.key)}. Partitions: {partition}. "
        f"Old versions stay readable for {contract.retention_days} days."
    ]
    if contract.constraints:
        listed = "\n".join(f"- `{rule}`" for rule in contract.constraints.values())
        facts.append(f"Every row keeps to:\n\n{listed}")
    rows = [
        [
            f"`{column.name}`",
            column.dataType.simpleString(),
            "yes" if column.nullable else "no",
        ]
        for column in contract.schema.fields
    ]
    return [
        f"## {contract.name}",
        _sentence(contract.purpose),
        *facts,
        _table(["column", "type", "may be null"], rows),
    ]


def _settings(model: type[BaseModel], section: str) -> str:
    rows = []
    for name, field in model.model_fields.items():
        key = f"{section}.{name}" if section else name
        default = f"`{_json(field.get_default(call_default_factory=True))}`"
        choice = allowed(field)
        meaning = (field.description or "") + (f". Allowed: {choice}" if choice else "")
        rows.append([f"`{key}`", "must be set" if field.is_required() else default, meaning])
    return _table(["key", "default", "meaning"], rows)


def allowed(field: FieldInfo) -> str:
    """Return what a setting may be: its choices or its bounds; empty where any value of its type will do."""
    choices = _choices(field.annotation)
    if choices:
        return ", ".join(f"`{choice}`" for choice in choices)
    bounds = [
        f"{sign} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, sign in BOUNDS.items()
        if getattr(rule, name, None) is not None
    ]
    return ", ".join(dict.fromkeys(bounds))


def _choices(annotation: Any) -> tuple[str, ...]:
    """Return the values of a Literal, also inside a tuple, a dict's values, Annotated or an optional."""
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    choices_of_parts = [_choices(part) for part in get_args(annotation)]
    return next((choices for choices in choices_of_parts if choices), ())


def _about_profile(name: str) -> str:
    """Return the comment at the top of a profile's file, and the profile that it starts from."""
    text = (PROFILE_FOLDER / f"{name}.toml").read_text()
    lines = text.splitlines()
    count = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    about = " ".join(line.lstrip("# ").strip() for line in lines[:count])
    parent = tomllib.loads(text).get("profile")
    return about + (f" Starts from `{parent}`." if parent else "")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return markdown_table(header, rows, labels=len(header))


def _json(value: Any) -> str:
    return json.dumps(value, default=str)


def _first_sentence(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " ")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _page(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def stale(written: Mapping[str, str]) -> list[str]:
    """Return the names of the pages whose files differ from these texts."""
    return [
        name
        for name, text in written.items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text() != text
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or with --check tell which are stale; return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/reference.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if a page is stale")
    args = parser.parse_args(argv)
    written = pages()
    if args.check:
        names = stale(written)
        if names:
            listed = ", ".join(f"docs/reference/{name}" for name in names)
            print(f"stale: {listed}; run `make reference`", file=sys.stderr)
        return int(bool(names))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (FOLDER / name).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
