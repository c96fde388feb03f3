"""The jinja2 environment of the pages: a room brings its own templates, style and parts are shared."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

SHARED = Path(__file__).parent
"""Holds ``style.jinja`` and ``parts.jinja``, which every page may use."""


def page_environment(*folders: Path) -> Environment:
    """Return an environment that escapes what it shows and refuses names that a template does not get.

    Args:
        folders: where the calling room's own templates lie.
    """
    return Environment(
        loader=FileSystemLoader([*folders, SHARED]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
