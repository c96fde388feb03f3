"""``python -m benchmarks.downstream.convergence``: AUC by epoch with and without weights (paper: Fig. 5).

One world, its attention estimated once; every run draws the base model and the order of the plays anew. The
AUC is that against true relevance, on training and on validation plays.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from benchmarks.__main__ import PAGES, machine
from benchmarks.downstream.worlds import ACTS_ON_DISLIKES, USERS, config_of, trial_runner, world_of
from benchmarks.measure import ROOT
from uae_model.evaluation.curves import t_band
from uae_model.evaluation.figures import convergence
from uae_model.evaluation.plays import TRAIN, VALIDATION
from uae_model.evaluation.trials import TrialRunner
from uae_model.pages.svg import svg_file
from uae_model.recommenders.models import Recommender

WORLD_SEED = 1
SPLITS = {"training": TRAIN, "validation": VALIDATION}


def main() -> int:
    """Train every run to the last epoch, write the curves as JSON and the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.downstream.convergence", description=__doc__)
    parser.add_argument("--model", default="DCN-V2", help="base model (default DCN-V2, the paper's)")
    parser.add_argument("--weightings", nargs="+", default=["none", "auto"])
    parser.add_argument("--runs", type=int, default=10, help="runs of each (default 10)")
    parser.add_argument("--epochs", type=int, default=20, help="epochs of a run (default 20)")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--data", default=str(ROOT / "benchmarks" / "data" / "downstream" / "convergence"))
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "downstream-convergence.json"))
    parser.add_argument("--figure", default=str(PAGES / "downstream-convergence.svg"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = config_of("default", WORLD_SEED)
    whole = config.evaluation.model_copy(update={"epochs": args.epochs, "patience": args.epochs})
    config = config.model_copy(update={"evaluation": whole})
    runner = trial_runner(world_of(ACTS_ON_DISLIKES, WORLD_SEED, args.users), config, Path(args.data))
    curves: dict[str, list[list[float]]] = {}
    bar = tqdm(total=len(args.weightings) * args.runs, unit=" runs")
    for weighting in args.weightings:
        for run in range(1, args.runs + 1):
            by_split = one_run(runner, args.model, weighting, run)
            for split, curve in by_split.items():
                curves.setdefault(f"{runner.rule(weighting).title}, {split}", []).append(curve)
            bar.update()
    bands = {name: t_band(np.array(runs)) for name, runs in curves.items()}
    Path(args.out).write_text(json.dumps({"machine": machine(), "curves": curves}, indent=1) + "\n")
    Path(args.figure).write_text(svg_file(convergence(bands, f"{args.model}: AUC")))
    for name, band in bands.items():
        print(name, " ".join(f"{mean:.4f}" for mean in band.mean_T))
    return 0


def one_run(runner: TrialRunner, model: str, weighting: str, seed: int) -> dict[str, list[float]]:
    """Return the AUC by epoch on each split."""

    def watch(trained: Recommender) -> dict[str, float]:
        return {name: runner.auc_of(trained, split) for name, split in SPLITS.items()}

    weight_N = runner.weights(weighting, WORLD_SEED)
    _, done = runner.train(model, weight_N, seed, watch)
    return {name: [epoch[name] for epoch in done.history] for name in SPLITS}


if __name__ == "__main__":
    sys.exit(main())
