"""The jinja2 environment of the pages: report and evaluation share their style and their parts."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

HERE = Path(__file__).parents[1]
FOLDERS = (HERE / "report", HERE / "evaluation")


def page_environment() -> Environment:
    """Return an environment that escapes what it shows and refuses names that a template does not get."""
    return Environment(
        loader=FileSystemLoader(FOLDERS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
