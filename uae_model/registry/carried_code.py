"""The code that a registered model carries, so that it loads wherever torch and MLflow are.

A requirement such as ``uae==0.1.0`` would be answered by whatever package an index has under that name, and
``uae_model`` in the model's own folder would hide the installed one from the process that loads it. So the
few modules that inference takes are copied into a package of a name of their own, which ends in a digest of
them: two versions with different code can be loaded side by side.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from uae_model import models

MODULES = ("attention_chain", "batch", "inference", "networks", "pair")
"""Of ``uae_model.models``, what ``predict_sessions`` takes; they import nothing else of this project."""

PACKAGES = ("mlflow", "numpy", "pandas", "torch")
"""What they import, required of whoever serves the model, at the versions that registered it."""


@dataclass(frozen=True)
class CarriedCode:
    """Files for ``mlflow.pyfunc.log_model``: ``python_model`` and one of ``code_paths``."""

    python_model: Path
    package: Path


@contextmanager
def carried_code(folder: Path) -> Iterator[CarriedCode]:
    """Write the code into a folder and let this process import it meanwhile, as MLflow does to check it."""
    source = Path(models.__file__).parent
    texts = {name: (source / f"{name}.py").read_text() for name in MODULES}
    digest = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:12]
    package = folder / f"uae_served_{digest}"
    package.mkdir()
    (package / "__init__.py").write_text('"""Networks of a registered model of user attention."""\n')

    def renamed(text: str) -> str:
        return text.replace("uae_model.models", package.name)

    for name, text in texts.items():
        (package / f"{name}.py").write_text(renamed(text))
    python_model = folder / "served_model.py"
    python_model.write_text(renamed(Path(__file__).with_name("pyfunc.py").read_text()))
    sys.path.insert(0, str(folder))
    try:
        yield CarriedCode(python_model, package)
    finally:
        sys.path.remove(str(folder))


def pinned_requirements() -> list[str]:
    """Return the pinned packages; a build such as 2.13.0+cpu is that version."""
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in PACKAGES]
