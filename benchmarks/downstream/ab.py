"""``python -m benchmarks.downstream.ab``: a simulated A/B test of seven days (Fig. 7 of the paper).

One population lives twice through the same days, once under each policy, with the same listeners, the same
offers and the same random draws, so each user is compared with himself. Both policies rank ten offered songs
by a recommender that is trained anew every night on the last week of its own log: control on unweighted
plays, treatment on weighted ones. The week before the test is served by popularity. The attention estimator
is trained once, on that week. In a third life the service knows how much everyone likes every song: the most
that any policy could gain.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from benchmarks.__main__ import PAGES, machine
from benchmarks.downstream.worlds import ACTS_ON_DISLIKES, SONGS, TRAIN_DAYS, config_of
from benchmarks.estimators.simulated import SimulatedPlays, encode, join, write_simulated_snapshot
from benchmarks.estimators.trials import attention_of, networks_of, train_here
from benchmarks.measure import ROOT
from uae_model.config import Config
from uae_model.evaluation.curves import Band, t_band
from uae_model.evaluation.figures import daily_lift
from uae_model.evaluation.weight_rules import parse_rule, weigh
from uae_model.models.pair import NetworkPair
from uae_model.pages.svg import svg_file
from uae_model.recommenders.fields import FieldSpace
from uae_model.recommenders.models import Recommender, build_recommender
from uae_model.recommenders.samples import Samples
from uae_model.recommenders.training import FitSettings, fit, predict
from uae_model.simulation.calibrate import calibrated
from uae_model.simulation.hashing import Ints
from uae_model.simulation.listening import Plays, draw_plays
from uae_model.simulation.setting import OFFERED_SONGS, Offer, Policy
from uae_model.simulation.traits import liking_of, user_factors
from uae_model.simulation.world import Block, World

TEST_DAYS = 7
LEAVING = 0.15
VALIDATION_DAYS = 1
CEILING = "ceiling"
MEASURES = {"play count": "plays", "play time": "hours"}


@dataclass
class Log:
    """What one arm's service has recorded, day by day: plays and their labels (auto-play counts as liked)."""

    encoded: list[SimulatedPlays] = field(default_factory=list)
    labels: list[NDArray[np.int64]] = field(default_factory=list)

    def last_week(self) -> tuple[list[SimulatedPlays], list[NDArray[np.int64]]]:
        """Return the last eight days: seven to train on and one to stop by."""
        days = TRAIN_DAYS + VALIDATION_DAYS
        return self.encoded[-days:], self.labels[-days:]


@dataclass(frozen=True)
class Arm:
    """A policy's name, its base model and its weighting."""

    name: str
    model: str
    weighting: str


def main() -> int:
    """Run the test for several seeds, print the lifts, write JSON and the figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.downstream.ab", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="populations (default 5)")
    parser.add_argument("--users", type=int, default=1_500, help="users of each (default 1500)")
    parser.add_argument("--model", default="FM", help="base model of both policies (default FM)")
    parser.add_argument("--weighting", default="auto", help="of treatment (default auto)")
    parser.add_argument("--out", default=str(ROOT / "benchmarks" / "downstream-ab.json"))
    parser.add_argument("--figure", default=str(PAGES / "downstream-ab.svg"))
    args = parser.parse_args()
    torch.set_num_threads(1)
    arms = [Arm("control", args.model, "none"), Arm("treatment", args.model, args.weighting)]
    runs = [run(seed, args.users, arms) for seed in tqdm(range(1, args.seeds + 1), unit=" populations")]
    lifts = {title: lift(runs, measure) for title, measure in MEASURES.items()}
    ceilings = {title: lift(runs, measure, CEILING) for title, measure in MEASURES.items()}
    said = {name: getattr(args, name) for name in ("seeds", "users", "model", "weighting")}
    document = {"machine": machine(), "arguments": said, "runs": runs}
    Path(args.out).write_text(json.dumps(document, indent=1) + "\n")
    Path(args.figure).write_text(svg_file(daily_lift(lifts)))
    for arm, bands in (("treatment", lifts), (CEILING, ceilings)):
        for title, band in bands.items():
            shown = zip(band.mean_T, band.low_T, band.high_T, strict=True)
            days = "; ".join(f"{mean:+.2%} ({low:+.2%} to {high:+.2%})" for mean, low, high in shown)
            print(f"{title}, {arm} over control: {days}")
    return 0


def run(seed: int, users: int, arms: Sequence[Arm]) -> dict[str, Any]:
    """Return each arm's plays and hours on each day of the test, in one population."""
    warm_up = TRAIN_DAYS + VALIDATION_DAYS
    days = warm_up + TEST_DAYS
    plain = World(seed=seed, days=days, users=users, songs=SONGS, liking_effect=ACTS_ON_DISLIKES)
    world = replace(calibrated(plain), leaving=LEAVING)
    config = config_of("default", seed)
    before = Log()
    for day in range(warm_up):
        record(before, world, day, None, config)
    with TemporaryDirectory() as folder:
        train, validation = join(before.encoded[:TRAIN_DAYS]), join(before.encoded[TRAIN_DAYS:])
        manifest = write_simulated_snapshot(Path(folder) / "snapshot", train, validation, config)
        pair = networks_of(train_here(manifest, config, config.training, Path(folder) / "checkpoints"))
    figures: dict[str, Any] = {"seed": seed, "users": users}
    for arm in arms:
        log = Log(list(before.encoded), list(before.labels))
        figures[arm.name] = [
            record(log, world, day, trained_policy(arm, log, pair, world, config), config)
            for day in range(warm_up, warm_up + TEST_DAYS)
        ]
    figures[CEILING] = [
        record(Log(), world, day, best_liked(world), config) for day in range(warm_up, warm_up + TEST_DAYS)
    ]
    return figures


def best_liked(world: World) -> Policy:
    """Return the policy that plays the offered song that the listener likes most: no model can know it."""

    def choose(offer: Offer) -> Ints:
        slots = len(offer.user_N)
        taste = np.repeat(user_factors(world, offer.user_N), OFFERED_SONGS, axis=0)
        liking_NK = liking_of(world, taste, offer.song_NK.ravel()).reshape(slots, OFFERED_SONGS)
        liked_N: Ints = offer.song_NK[np.arange(slots), liking_NK.argmax(axis=1)]
        return liked_N

    return choose


def record(log: Log, world: World, day: int, policy: Policy | None, config: Config) -> dict[str, float]:
    """Live through a day under a policy, add it to the log and return its plays and hours."""
    total = {"plays": 0.0, "hours": 0.0}
    parts, labels = [], []
    for index in range(world.blocks_per_day):
        block = Block(day, index)
        plays = draw_plays(world, block, policy)
        parts.append(encode(world, block, plays, config))
        labels.append(np.where(plays.active_N, plays.relevance_N, 1))
        total["plays"] += len(plays.user_N)
        total["hours"] += float(plays.played_ms_N.sum()) / 3.6e6
    log.encoded.append(join(parts))
    log.labels.append(np.concatenate(labels))
    return total


def trained_policy(arm: Arm, log: Log, pair: NetworkPair, world: World, config: Config) -> Policy:
    """Return the policy of the next day: the best of the offered songs by a model trained tonight."""
    encoded, labels = log.last_week()
    every, label_N = join(encoded), np.concatenate(labels)
    weight_N = _weights(arm, every, pair, config)
    first_held_out = sum(part.plays for part in encoded[:TRAIN_DAYS])
    train_N = np.arange(every.plays) < first_held_out
    space = FieldSpace.fit(config.features, every.numeric_NF[train_N])
    samples = Samples(
        space.encode(every.categorical_NF.astype(np.int64), every.numeric_NF),
        torch.from_numpy(label_N.astype(np.float32)),
        torch.from_numpy(weight_N.astype(np.float32)),
    )
    settings = config.evaluation
    torch.manual_seed(config.training.seed)
    model = build_recommender(arm.model, space, settings.embedding, settings.mlp)
    fit(
        model,
        samples.where(torch.from_numpy(train_N)),
        samples.where(torch.from_numpy(~train_N)),
        FitSettings.of(settings, config.training.seed),
    )
    return lambda offer: best_of(offer, model, space, world, config, Block(len(log.encoded), 0))


def best_of(
    offer: Offer, model: Recommender, space: FieldSpace, world: World, config: Config, block: Block
) -> Ints:
    """Return the offered song of each slot that the model ranks highest."""
    slots = len(offer.user_N)

    def for_every_offer(values_N: Ints) -> Ints:
        return np.repeat(values_N, OFFERED_SONGS)

    nothing: NDArray[Any] = np.zeros(slots * OFFERED_SONGS)
    candidates = Plays(
        session_N=np.arange(slots * OFFERED_SONGS),
        user_N=for_every_offer(offer.user_N),
        song_N=offer.song_NK.ravel(),
        device_N=for_every_offer(offer.device_N),
        source_N=for_every_offer(offer.source_N),
        start_ms_N=for_every_offer(offer.hour_N) * 3_600_000,
        played_ms_N=nothing.astype(np.int64),
        feedback_N=nothing.astype(np.int64),
        attended_N=nothing > 0,
        active_N=nothing > 0,
        attention_N=nothing,
        propensity_N=nothing,
        share_N=nothing,
        relevance_N=nothing.astype(np.int64),
        liking_N=nothing,
    )
    encoded = encode(world, block, candidates, config, position_N=for_every_offer(offer.position_N))
    score_N = predict(model, space.encode(encoded.categorical_NF.astype(np.int64), encoded.numeric_NF))
    best_N = score_N.view(slots, OFFERED_SONGS).argmax(dim=1).numpy()
    ranked_N: Ints = offer.song_NK[np.arange(slots), best_N]
    return ranked_N


def lift(runs: Sequence[dict[str, Any]], measure: str, arm: str = "treatment") -> Band:
    """Return an arm over control, as a share by day, with the t-interval over the populations."""
    control_RT, treatment_RT = (
        np.array([[day[measure] for day in population[name]] for population in runs])
        for name in ("control", arm)
    )
    return t_band(treatment_RT / control_RT - 1)


def _weights(arm: Arm, every: SimulatedPlays, pair: NetworkPair, config: Config) -> NDArray[np.float64]:
    rule = parse_rule(arm.weighting, config.weights)
    active_N = every.feedback_N > 0
    if rule.source == "none":
        return np.ones(every.plays)
    passive_N = weigh(rule, attention_of(pair, every, config), ~active_N)
    return np.where(active_N, 1.0, passive_N)


if __name__ == "__main__":
    sys.exit(main())
