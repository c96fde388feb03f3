"""Aggregate features: one table of partial aggregates a day, windows as merges of them, one value a play.

A play of day D sees the UTC days before D, as whole days of ``events``. Partials are counts, sums in whole
millionths, last times and HyperLogLog sketches: all merge in any order to the same result, so a night and a
backfill give identical rows, and a late event is put right by building its day's partials again.
"""

from uae_model.features.aggregates.partials import partials_of_day
from uae_model.features.aggregates.windows import features_of_day

__all__ = ["features_of_day", "partials_of_day"]
