"""The names of metrics on MLflow's pages, which put metrics with one prefix before a slash in one group."""

from __future__ import annotations

from collections.abc import Mapping

CHOSEN = "chosen_"
"""Prefix of the metrics of the epoch that was registered, in the run of its training; the metrics without it
are those of every epoch."""

SEPARATORS = {
    **dict.fromkeys(("chosen", "epoch", "step", "train", "validation"), "_"),
    **dict.fromkeys(("active_plays", "observed_labels", "true_relevance", "user_parts"), "."),
}
"""The groups, and what stands between group and metric in the names that the code has: ``train_nll``."""


def shown_name(name: str) -> str:
    """Return how MLflow's pages show a metric: ``train/nll`` for ``train_nll``."""
    for group, separator in SEPARATORS.items():
        if name.startswith(group + separator):
            return f"{group}/{name.removeprefix(group + separator)}"
    return name


def known_name(shown: str) -> str:
    """Return the code's name of a metric. Runs of earlier releases have that name itself."""
    group, slash, metric = shown.partition("/")
    return f"{group}{SEPARATORS[group]}{metric}" if slash and group in SEPARATORS else shown


def by_known_name(metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics of a run by the code's names."""
    return {known_name(name): value for name, value in metrics.items()}
