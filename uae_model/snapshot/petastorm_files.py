"""URLs for Petastorm and its warnings, for the training loader and for the readers of the weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


def file_url(path: str) -> str:
    """Return the URL that Petastorm wants: of the whole path, for it counts from no working folder.

    Hadoop's s3a is s3 to it.
    """
    if "://" not in path:
        return f"file://{os.path.abspath(path)}"
    return "s3" + path.removeprefix("s3a") if path.startswith("s3a://") else path


@contextmanager
def quiet_petastorm() -> Iterator[None]:
    """Hide the warnings that Petastorm causes in pyarrow 14, the last version it works with, and in torch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=FutureWarning)
        warnings.simplefilter("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", message="schema_fields behavior has changed")  # to fewer matches
        # Petastorm makes tensors of Arrow's memory; nothing writes to them.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        yield
