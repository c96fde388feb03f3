"""A grid of cells: what an earlier call has computed is kept, the rest is computed, each as it is done."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Protocol

from tqdm import tqdm

from uae_model.config.evaluation import EvaluationSettings
from uae_model.core.logs import log
from uae_model.evaluation.cells import Cell, CellResult, Laboratory


class CellStore(Protocol):
    """Where results outlive the process."""

    def known(self) -> dict[str, dict[str, float]]:
        """Return the metrics of every finished cell by its key."""
        ...

    def save(self, key: str, result: CellResult) -> None:
        """Record a finished cell, wholly or not at all."""
        ...


def cells_of(settings: EvaluationSettings) -> list[Cell]:
    """Return the grid, seeds first, so that an interrupted run has whole seeds."""
    return [
        Cell(model, weighting, seed)
        for seed, weighting, model in product(settings.seeds, settings.weightings, settings.models)
    ]


def run_grid(laboratory: Laboratory, cells: Sequence[Cell], store: CellStore) -> list[CellResult]:
    """Return the results of all cells, computing those that the store does not know."""
    known = store.known()
    keys = [laboratory.key(cell) for cell in cells]
    missing = sum(key not in known for key in keys)
    log("evaluation started", cells=len(cells), missing=missing)
    results = []
    with tqdm(total=len(cells), initial=len(cells) - missing, unit=" cells", desc="evaluate") as bar:
        for key, cell in zip(keys, cells, strict=True):
            if key in known:
                results.append(CellResult(cell, known[key]))
                continue
            bar.set_postfix_str(f"{cell.model}, {cell.weighting}, seed {cell.seed}")
            result = laboratory.run(cell)
            store.save(key, result)
            results.append(result)
            bar.update()
    return results
