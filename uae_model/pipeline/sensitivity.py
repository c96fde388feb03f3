"""What a result hangs on that no data tell, on the days that training takes."""

from __future__ import annotations

from datetime import date

from uae_model.evaluation.sensitivity import as_markdown, compare_variants
from uae_model.lake import TableStore
from uae_model.pipeline.steps.training import trainable_days


def sensitivity(store: TableStore, last: date) -> str:
    """Return the table of all variants, trained on the window that ends with ``last``.

    Raises:
        ConfigError, InputError: if ``trainable_days`` finds something missing.
        ModelError: if a training leaves no networks.
    """
    return as_markdown(compare_variants(store, trainable_days(store, last)))
