"""The kinds of errors of this project, as its classes say."""

from __future__ import annotations

import importlib
import re

from tests.docs.pages import ROOT
from uae_model.core.errors import UaeError

DECLARED = re.compile(r"^class \w+Error\(\w+Error\):", re.MULTILINE)


def every_kind() -> list[type[UaeError]]:
    """Return the base of this project's errors and all that are kinds of it, wherever they are declared."""
    for file in sorted((ROOT / "uae_model").rglob("*.py")):
        if DECLARED.search(file.read_text()):
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    return [kind for kind in _below(UaeError) if kind.__module__.startswith("uae_model.")]


def _below(kind: type[UaeError]) -> list[type[UaeError]]:
    return [kind, *(one for direct in kind.__subclasses__() for one in _below(direct))]
