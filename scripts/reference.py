"""Writes the configuration and table reference into README.md: ``.venv/bin/python scripts/reference.py``."""

from __future__ import annotations

import ast
import inspect
import re
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from uae_model.config import load_config  # noqa: E402
from uae_model.tables import contract_for  # noqa: E402

TABLES = ("events", "quarantine", "plays", "weights", "publications", "truth")


def documented(cls: type) -> dict[str, str]:
    """Return what the source says of each field: the string below it, or its line of ``Attributes``."""
    node = ast.parse(inspect.getsource(cls)).body[0]
    assert isinstance(node, ast.ClassDef)
    found = {}
    doc = inspect.getdoc(cls) or ""
    for name, text in re.findall(r"^ +(\w+): (.+(?:\n {8,}.+)*)", doc, flags=re.MULTILINE):
        found[name] = text
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
            found[ast.unparse(field.target)] = ast.literal_eval(below.value)
    return {name: " ".join(text.split()) for name, text in found.items()}


def configuration() -> str:
    """Return one row for every key."""
    config = load_config(None)
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for section in fields(config):
        value = getattr(config, section.name)
        if not is_dataclass(value):
            continue
        told = documented(type(value))
        for key in fields(value):
            default = getattr(value, key.name)
            shown = f"`{default!r}`".replace("|", "\\|")
            lines.append(f"| `{section.name}.{key.name}` | {shown} | {told.get(key.name, '')} |")
    return "\n".join(lines)


def tables() -> str:
    """Return the columns of each table in the default profile."""
    config = load_config(None)
    lines = ["| table | key | columns |", "|---|---|---|"]
    for name in TABLES:
        contract = contract_for(name, config)
        columns = ", ".join(f"`{c.name}` {c.dataType.simpleString()}" for c in contract.schema.fields)
        lines.append(f"| `{name}` | {', '.join(contract.key)} | {columns} |")
    return "\n".join(lines)


def main() -> None:
    """Replace what stands between the markers."""
    readme = ROOT / "README.md"
    text = readme.read_text()
    for marker, content in (("config", configuration()), ("tables", tables())):
        start, end = f"<!-- {marker}:start -->", f"<!-- {marker}:end -->"
        before, rest = text.split(start)
        text = f"{before}{start}\n{content}\n{end}{rest.split(end)[1]}"
    readme.write_text(text)


if __name__ == "__main__":
    main()
