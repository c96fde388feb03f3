"""The page: facts and figures into one HTML file that needs nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from markupsafe import Markup

from uae_model.core.dates import midnight
from uae_model.pages.svg import ACTIVE, INK, MUTED, PASSIVE
from uae_model.pages.templates import page_environment
from uae_model.publication.checks import QUANTILES
from uae_model.report import plots
from uae_model.report.contexts import context_plots, inattentive_sentence
from uae_model.report.facts import (
    LAST_POSITION,
    PAPER_ACTIVE,
    PAPER_AFTER_ACTIVE,
    PAPER_AFTER_PASSIVE,
    ModelFacts,
    PublicationFacts,
    ReportFacts,
)
from uae_model.report.features import small_multiples
from uae_model.report.numbers import decimal, number, percent, ratio, with_separators
from uae_model.report.plots import Line
from uae_model.report.sentences import (
    feedback_sentence,
    help_sentence,
    level_sentence,
    level_value,
    objections,
    positions_sentence,
    weights_sentence,
)

DECIMAL = re.compile(r"-?\d+\.\d+(e-?\d+)?")
"""A number with a fraction; no version such as 0.1.0."""

HOURS_SHOWN = 72
"""From here on a delay is told in days."""

METRICS = {
    "validation_nll": "validation loss (negative log-likelihood a play)",
    "validation_base_rate_nll": "the same of the constant base rate",
    "champion_validation_nll": "the same of the champion before it",
    "best_epoch": "epoch that was kept",
    "validation_mean_attention": "mean attention, validation plays",
    "validation_mean_propensity": "mean propensity, validation plays",
    "validation_active_rate": "share of active plays, validation",
    "train_attention_clamped": "clip rate of the attention risk",
    "train_propensity_clamped": "clip rate of the propensity risk",
}
"""Metrics that registration recorded as tags, in the order of the page."""

ORIGINS = {
    "training_days": "training days",
    "validation_days": "validation days",
    "training_plays": "training plays",
    "plays_delta_version": "version of table plays",
    "code_version": "code version",
    "config_digest": "configuration digest",
}
"""What a pair of models was trained on, recorded in the same way."""

ASSUMED = {
    "estimator": "estimator",
    "stickiness": "stickiness of attention (rho)",
    "attention_features": "features that attention sees",
    "propensity_features": "features that the propensity sees",
}
"""What attention rests on beside the data, recorded in the same way."""


@dataclass(frozen=True)
class Tile:
    """A key figure."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class CheckLine:
    """One check of the publication."""

    name: str
    passed: bool
    detail: str


def render(facts: ReportFacts, *, paper: bool = False) -> str:
    """Return the page. The same facts give the same bytes.

    Args:
        facts: what it shows.
        paper: whether the paper's figures stand beside the day's.
    """
    environment = page_environment(Path(__file__).parent)
    environment.filters.update(number=number, percent=percent, decimal=decimal, separated=with_separators)
    template = environment.get_template("page.jinja")
    figures_of_paper = {"active": PAPER_ACTIVE, "a": PAPER_AFTER_ACTIVE, "p": PAPER_AFTER_PASSIVE}
    return template.render(
        facts=facts,
        paper=figures_of_paper if paper else None,
        objections=objections(facts),
        said=sentences(facts),
        tiles=tiles(facts, paper=paper),
        contexts=context_figures(facts),
        checks=check_lines(facts.published),
        metrics=recorded_lines(facts.model, METRICS),
        origins=recorded_lines(facts.model, ORIGINS),
        assumed=recorded_lines(facts.model, ASSUMED),
        quantiles=quantile_lines(facts.published),
        patterns_shown=len(plots.shown_patterns(facts.history)),
        fewest_pattern_plays=plots.FEWEST_PATTERN_PLAYS,
        last_position=LAST_POSITION,
        plots={name: Markup(svg) for name, svg in figures(facts, paper=paper).items()},  # noqa: S704 - our own SVG
    )


def sentences(facts: ReportFacts) -> dict[str, str]:
    """Return the sentences that follow from the facts."""
    return {
        "level": level_sentence(facts),
        "feedback": feedback_sentence(facts.history),
        "positions": positions_sentence(facts.positions),
        "weights": weights_sentence(facts),
        "help": help_sentence(facts.model),
        "contexts": inattentive_sentence(facts.contexts) if facts.contexts else "",
    }


def tiles(facts: ReportFacts, *, paper: bool = False) -> list[Tile]:
    """Return the key figures of the day."""
    day = facts.published
    passive = day.plays - day.active
    share_note = f"paper {PAPER_ACTIVE:.2%}" if paper else f"{number(day.active)} active plays"
    return [
        Tile("Level of attention", level_value(facts), _level_note(facts)),
        *_age_tiles(facts),
        Tile("Plays", number(day.plays), f"{number(passive)} of them passive"),
        Tile("Sessions", number(day.sessions), f"{decimal(ratio(day.plays, day.sessions), 1)} plays each"),
        Tile("Users", number(facts.users), f"{decimal(ratio(day.plays, facts.users), 1)} plays each"),
        Tile("Active share", percent(ratio(day.active, day.plays)), share_note),
        Tile("Mean attention", decimal(day.mean_passive_attention), "of passive plays"),
        Tile("Mean weight", decimal(day.mean_passive_weight), "of passive plays; active: 1"),
        Tile("Quarantined", number(day.quarantined), "feed rows that could not be read"),
        Tile("Excluded", number(day.excluded), "events of bots, cut before sessions"),
    ]


def _level_note(facts: ReportFacts) -> str:
    if facts.known_mean:
        return "not identified by feedback: set by weights.attention_mean"
    return "not identified: feedback allows any of it" if facts.mean_interval else "its model has no interval"


def _age_tiles(facts: ReportFacts) -> list[Tile]:
    """Return how old the model, the feed and the publication are."""
    last = facts.model.last_day if facts.model else None
    age = (facts.day - last).days if last else None
    model = Tile("Model age", _days(age), f"it learned from plays up to {last}" if last else "not known")
    fresh = facts.freshness
    if fresh is None or fresh.feed_day is None:
        feed = Tile("Feed up to", "not known", "the tables do not tell")
    else:
        taken = f"taken in {fresh.feed_taken_at:%Y-%m-%d %H:%M} UTC" if fresh.feed_taken_at else ""
        feed = Tile("Feed up to", str(fresh.feed_day), taken)
    if fresh is None or fresh.published_at is None:
        return [model, feed, Tile("Published", "not known", "the tables do not tell")]
    hours = (fresh.published_at - midnight(facts.day + timedelta(days=1))).total_seconds() / 3600
    late = f"{hours:,.0f} h" if hours < HOURS_SHOWN else _days(round(hours / 24))
    note = f"after the day ended, {fresh.published_at:%Y-%m-%d %H:%M} UTC"
    return [model, feed, Tile("Published", late, note)]


def _days(days: int | None) -> str:
    return "not known" if days is None else f"{days:,} day{'' if days == 1 else 's'}"


def check_lines(published: PublicationFacts) -> list[CheckLine]:
    """Return the publication's checks, split into name, result and what was found."""
    lines = []
    for text in published.checks:
        name, _, rest = text.rpartition(": ")
        result, _, detail = rest.partition(" (")
        lines.append(CheckLine(name, result == "ok", with_separators(detail.removesuffix(")"))))
    return lines


def recorded_lines(model: ModelFacts | None, names: dict[str, str]) -> list[tuple[str, str]]:
    """Return name and value of each of these tags that registration recorded."""
    tags = dict(model.tags) if model else {}
    if "best_epoch" in tags:
        tags["best_epoch"] = str(int(float(tags["best_epoch"])) + 1)  # epochs count from 1 on the page
    if "training_plays" in tags:
        tags["training_plays"] = with_separators(tags["training_plays"])
    return [(name, _shown(tags[key])) for key, name in names.items() if key in tags]


def _shown(recorded: str) -> str:
    """Return a recorded value for a reader: four decimals of a number, a range of days in words."""
    if DECIMAL.fullmatch(recorded):
        return f"{float(recorded):.4f}"
    return recorded.replace("..", " to ")


def quantile_lines(published: PublicationFacts) -> list[tuple[str, float]]:
    """Return the quantiles of the day's passive weights with their names."""
    names = [f"{share:.0%} of the plays weigh at most" for share in QUANTILES]
    return list(zip(names, published.passive_weight_quantiles, strict=False))


def context_figures(facts: ReportFacts) -> list[tuple[str, Markup]]:
    """Draw attention by context: name of the feature and plot."""
    drawn = context_plots(facts.contexts) if facts.contexts else {}
    return [(name, Markup(svg)) for name, svg in drawn.items()]  # noqa: S704 - our own SVG


def figures(facts: ReportFacts, *, paper: bool = False) -> dict[str, str]:
    """Draw each figure for which there is something to draw; none twice."""
    drawn = {"transitions": plots.transitions(facts.history, paper=paper)}
    if plots.shown_patterns(facts.history):
        drawn["patterns"] = plots.patterns(facts.history)
    if facts.positions:
        drawn["positions"] = plots.positions(facts.positions)
    if facts.attention.total:
        drawn["attention"] = plots.histogram("attention", "attention", facts.attention)
        if facts.weight.counts != facts.attention.counts and not facts.is_constant_weight:
            drawn["weight"] = plots.histogram("weight", "sample weight", facts.weight)
        drawn["attention_by_position"] = plots.attention_by_position(facts.positions)
    if len([day for day in facts.trend if day.mean_passive_weight is not None]) > 1:
        drawn["mean_weight"] = plots.mean_weight(facts.trend)
    if facts.quarantine:
        drawn["reasons"] = plots.reasons(facts.quarantine)
    if facts.health:
        drawn["features"] = small_multiples(facts.health)
    if facts.model is not None:
        drawn.update(_training_curves(facts.model))
    if facts.truth is not None and facts.truth.passive is not None:
        drawn["reliability"] = plots.reliability(facts.truth.passive)
    return drawn


def _training_curves(model: ModelFacts) -> dict[str, str]:
    wanted = {
        "likelihood": (
            "validation loss a play",
            [
                Line("validation", model.curve("validation_nll"), PASSIVE),
                Line("base rate", model.curve("validation_base_rate_nll"), MUTED, dashed=True),
                Line("training", model.curve("train_nll"), INK, dashed=True),
            ],
        ),
        "risk": (
            "training risk",
            [
                Line("attention\n(Eq. 16)", model.curve("train_attention_risk"), PASSIVE),
                Line("propensity\n(Eq. 17)", model.curve("train_propensity_risk"), ACTIVE),
            ],
        ),
        "means": (
            "means over validation plays",
            [
                Line("attention", model.curve("validation_mean_attention"), PASSIVE),
                Line("propensity", model.curve("validation_mean_propensity"), ACTIVE),
                Line("active", model.curve("validation_active_rate"), INK, dashed=True),
            ],
        ),
        "clipping": (
            "share of training steps with a clipped risk",
            [
                Line("attention", model.curve("train_attention_clamped"), PASSIVE),
                Line("propensity", model.curve("train_propensity_clamped"), ACTIVE),
            ],
        ),
    }
    return {
        name: plots.curves(name, title, lines, percent=name in ("clipping", "means"))
        for name, (title, lines) in wanted.items()
        if any(line.points for line in lines)
    }
