"""Writes the configuration and table reference into README.md: ``.venv/bin/python scripts/reference.py``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from pydantic import BaseModel  # noqa: E402

from uae_model.config import Config, load_config  # noqa: E402
from uae_model.lake import TABLES, contract_for  # noqa: E402


def configuration() -> str:
    """Return one row for every key of every section."""
    config = load_config(None)
    lines = ["| key | default | meaning |", "|---|---|---|"]
    for section in Config.model_fields:
        value = getattr(config, section)
        if not isinstance(value, BaseModel):
            continue
        for key, setting in type(value).model_fields.items():
            default = setting.get_default(call_default_factory=True)
            shown = json.dumps(default, default=str).replace("|", "\\|")
            meaning = (setting.description or "").replace("|", "\\|")
            lines.append(f"| `{section}.{key}` | `{shown}` | {meaning} |")
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
