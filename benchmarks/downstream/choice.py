"""``python -m benchmarks.downstream.choice``: the chosen weight function against the best fixed one.

In both laws of the simulator a world's attention is estimated once, ``uae tune``'s choice is made on its
training and validation days, and every candidate is also judged by true relevance on the test day, which the
choice never sees. The best fixed choice is the candidate whose mean over the seeds is highest.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.arguments import quality_parser
from benchmarks.claims import Claim, conclude
from benchmarks.downstream.worlds import (
    ACTS_ON_DISLIKES,
    ACTS_ON_LIKES,
    TRAIN_DAYS,
    VALIDATION_DAYS,
    config_of,
    trial_runner,
    world_of,
)
from benchmarks.in_processes import kept_results
from uae_model.config.estimators import AUTO, ESTIMATOR_NAMES
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION, EvaluationPlays
from uae_model.evaluation.trials import Trial, TrialRunner
from uae_model.evaluation.weight_choice import choose, judge_candidates, runner_of, trial_name
from uae_model.pages.markdown import markdown_table
from uae_model.simulation.listening import draw_plays
from uae_model.simulation.world import Block, World

LAWS = {"disliking provokes feedback": ACTS_ON_DISLIKES, "liking provokes feedback": ACTS_ON_LIKES}
USERS = 1_200
MODELS = ("FM", "AutoInt", "DCN-V2")
METRIC = "true_relevance.gauc_clicks"
LARGEST_SHORTFALL = 0.5
"""Points of GAUC by which the choice may be below the best fixed one."""

Result = dict[str, Any]


@dataclass(frozen=True)
class ChoiceCase:
    """What one process measures: a world, the estimator of its attention, and the base models."""

    liking_effect: float
    seed: int
    users: int
    estimator: str
    models: tuple[str, ...]

    @property
    def name(self) -> str:
        """A name for files."""
        models = "-".join(model.lower() for model in self.models)
        return f"choice-{self.estimator}-{self.liking_effect:g}-{self.seed}-{self.users}-{models}"


def main() -> int:
    """Measure every case, print, write JSON; 1 if the choice falls short of the best fixed one."""
    parser = quality_parser("downstream.choice", __doc__, users=USERS, processes=2, seeds=5)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--estimator", choices=(AUTO, *ESTIMATOR_NAMES), default=AUTO)
    args = parser.parse_args()
    folder = Path(args.data)
    cases = [
        ChoiceCase(law, seed, args.users, args.estimator, tuple(args.models))
        for law in LAWS.values()
        for seed in range(1, args.seeds + 1)
    ]
    calls = {case: (case, folder) for case in cases}
    results = kept_results(measure, calls, folder, args.processes, resume=args.resume)
    return conclude({"cases": results}, args.out, tables(results), claims(results), None)


def measure(case: ChoiceCase, folder: Path) -> Result:
    """Return the choice of a world, and what every candidate is worth on its test day."""
    torch.set_num_threads(1)
    world = world_of(case.liking_effect, case.seed, case.users)
    config = config_of("default", case.seed)
    training = config.training.model_copy(update={"estimator": case.estimator})
    runner = trial_runner(world, config.model_copy(update={"training": training}), folder / case.name)
    attention_N = runner.attention(case.estimator, case.seed)
    started = time.process_time()
    known = plays_to_choose_by(world, runner.plays)
    fits = judge_candidates(
        runner_of(known, attention_N[: len(known)], config),
        config.weight_choice.candidates,
        config.weight_choice.fits,
    )
    chosen, runner_up, candidates = choose(fits)
    return {
        **asdict(case),
        "plays": len(known),
        "judged_plays": int((known.active_N & (known.split_N == TEST)).sum()),
        "seconds": time.process_time() - started,
        "chosen": chosen,
        "runner_up": runner_up,
        "candidates": [asdict(candidate) for candidate in candidates],
        "worth": {model: worth(runner, model, case) for model in case.models},
    }


def worth(runner: TrialRunner, model: str, case: ChoiceCase) -> dict[str, float]:
    """Return the GAUC of true relevance on the test day under every candidate weighting."""
    return {
        candidate: runner.run(
            Trial(model, trial_name(candidate).replace(AUTO, case.estimator), case.seed)
        ).metrics[METRIC]
        for candidate in runner.config.weight_choice.candidates
    }


def plays_to_choose_by(world: World, plays: EvaluationPlays) -> EvaluationPlays:
    """Return the plays of the days that a choice knows: the test day is left out, validation days judge."""
    days = range(TRAIN_DAYS + VALIDATION_DAYS)
    counts = [
        sum(len(draw_plays(world, Block(day, index)).user_N) for index in range(world.blocks_per_day))
        for day in days
    ]
    roles = [TRAIN] * (TRAIN_DAYS - 1) + [VALIDATION] + [TEST] * VALIDATION_DAYS
    known = sum(counts)
    sessions = int(np.searchsorted(np.cumsum(plays.lengths_S), known)) + 1
    return replace(
        plays,
        categorical_NF=plays.categorical_NF[:known],
        numeric_NF=plays.numeric_NF[:known],
        lengths_S=plays.lengths_S[:sessions],
        user_N=plays.user_N[:known],
        split_N=np.repeat(np.array(roles, np.int8), counts),
        active_N=plays.active_N[:known],
        label_N=plays.label_N[:known],
        relevance_N=None,
        attended_N=None,
    )


def mean_worth(results: Sequence[Result], model: str) -> dict[str, float]:
    """Return each candidate's mean over the worlds, in points, and under ``auto`` that of what was chosen."""
    by_world: list[Mapping[str, float]] = [
        {**result["worth"][model], AUTO: result["worth"][model][result["chosen"]]} for result in results
    ]
    return {name: 100 * float(np.mean([world[name] for world in by_world])) for name in by_world[0]}


def of_law(results: Sequence[Result], law: float) -> list[Result]:
    """Return the results of one law."""
    return [result for result in results if result["liking_effect"] == law]


def best_fixed(means: Mapping[str, float]) -> str:
    """Return the candidate with the highest mean."""
    return max((name for name in means if name != AUTO), key=lambda name: means[name])


def tables(results: Sequence[Result]) -> dict[str, str]:
    """Return one table: what the choice and each fixed candidate gain over the base, by law and model."""
    models = list(results[0]["worth"])
    columns = [(law, model) for law in LAWS for model in models]
    means = {(law, model): mean_worth(of_law(results, LAWS[law]), model) for law, model in columns}
    names = list(next(iter(means.values())))
    rows = [
        (name, *(f"{means[column][name] - means[column]['none']:+.2f}" for column in columns))
        for name in [AUTO, *(name for name in names if name != AUTO)]
    ]
    header = ("weight function", *(f"{model}, {law}" for law, model in columns))
    return {"downstream-choice": markdown_table(header, rows)}


def claims(results: Sequence[Result]) -> list[Claim]:
    """Return, for each law and base model, whether the choice is near the best fixed one."""
    checked = []
    for law, effect in LAWS.items():
        worlds = of_law(results, effect)
        chosen = ", ".join(result["chosen"] for result in worlds)
        for model in worlds[0]["worth"]:
            means = mean_worth(worlds, model)
            best = best_fixed(means)
            shortfall = means[best] - means[AUTO]
            text = f"{law}: the choice is within {LARGEST_SHORTFALL} points of the best fixed one for {model}"
            told = f"{shortfall:.2f} below {best} (chosen: {chosen})"
            checked.append(Claim(text, told, shortfall <= LARGEST_SHORTFALL))
    return checked


if __name__ == "__main__":
    sys.exit(main())
