"""Reading the published weights as a pandas frame."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import pandas as pd

from uae_model.core.filesystems import StorageOptions
from uae_model.readers.arrow import weights_of
from uae_model.readers.days import Request


def read_weights_pandas(
    tables: str,
    first: date | str | None = None,
    last: date | str | None = None,
    columns: Sequence[str] | None = None,
    *,
    latest: int | None = None,
    as_of: datetime | str | None = None,
    without_accepted: bool = False,
    storage_options: StorageOptions | None = None,
) -> pd.DataFrame:
    """Return the published weights from ``first`` to ``last`` (or of ``first`` alone), or of the newest days.

    Args and errors are those of ``uae_model.readers.arrow.read_weights_arrow``.
    """
    request = Request(first, last, latest, as_of, without_accepted)
    weights = weights_of(tables, request, columns, storage_options)
    frame: pd.DataFrame = weights.to_pandas()
    return frame
