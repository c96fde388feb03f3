"""Reading the published weights as a Polars frame."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from uae_model.readers.arrow import read_weights_arrow


def read_weights_polars(
    tables: str,
    first: date | str,
    last: date | str | None = None,
    columns: Sequence[str] | None = None,
    *,
    without_accepted: bool = False,
) -> pl.DataFrame:
    """Return the published weights of the days from ``first`` to ``last`` (or of ``first`` alone).

    Args and errors are those of ``uae_model.readers.arrow.read_weights_arrow``; the memory is shared with
    the Arrow table.
    """
    weights = read_weights_arrow(tables, first, last, columns, without_accepted=without_accepted)
    return pl.DataFrame(weights)
