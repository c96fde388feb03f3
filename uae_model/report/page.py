"""The page: facts and figures into one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from uae_model.pages.svg import ACTIVE, INK, MUTED, PASSIVE
from uae_model.pages.templates import page_environment
from uae_model.publication.checks import QUANTILES
from uae_model.report import plots
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
from uae_model.report.plots import Line

METRICS = {
    "validation_nll": "validation loss (negative log-likelihood a play)",
    "validation_base_rate_nll": "the same of the constant base rate",
    "champion_validation_nll": "the same of the champion before it",
    "best_epoch": "best epoch",
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


def render(facts: ReportFacts) -> str:
    """Return the page. The same facts give the same bytes."""
    environment = page_environment(Path(__file__).parent)
    environment.filters.update(number=_number, percent=_percent, decimal=_decimal)
    template = environment.get_template("page.jinja")
    return template.render(
        facts=facts,
        paper={"active": PAPER_ACTIVE, "a": PAPER_AFTER_ACTIVE, "p": PAPER_AFTER_PASSIVE},
        tiles=tiles(facts),
        checks=check_lines(facts.published),
        metrics=recorded_lines(facts.model, METRICS),
        origins=recorded_lines(facts.model, ORIGINS),
        assumed=recorded_lines(facts.model, ASSUMED),
        quantiles=quantile_lines(facts.published),
        patterns_shown=len(plots.shown_patterns(facts.history)),
        fewest_pattern_plays=plots.FEWEST_PATTERN_PLAYS,
        last_position=LAST_POSITION,
        plots={name: Markup(svg) for name, svg in figures(facts).items()},  # noqa: S704 - our own SVG
    )


def tiles(facts: ReportFacts) -> list[Tile]:
    """Return the key figures of the day."""
    day = facts.published
    passive = day.plays - day.active
    return [
        Tile("Plays", _number(day.plays), f"{_number(passive)} of them passive"),
        Tile("Sessions", _number(day.sessions), f"{_decimal(_ratio(day.plays, day.sessions), 1)} plays each"),
        Tile("Users", _number(facts.users), f"{_decimal(_ratio(day.plays, facts.users), 1)} plays each"),
        Tile("Active share", _percent(_ratio(day.active, day.plays)), f"paper {PAPER_ACTIVE:.2%}"),
        Tile("Mean attention", _decimal(day.mean_passive_attention), "of passive plays"),
        Tile("Mean weight", _decimal(day.mean_passive_weight), "of passive plays; active: 1"),
        Tile("Quarantined", _number(day.quarantined), "feed rows that could not be read"),
        Tile("Excluded", _number(day.excluded), "events of bots, cut before sessions"),
    ]


def check_lines(published: PublicationFacts) -> list[CheckLine]:
    """Return the publication's checks, split into name, result and what was found."""
    lines = []
    for text in published.checks:
        name, _, rest = text.rpartition(": ")
        result, _, detail = rest.partition(" (")
        lines.append(CheckLine(name, result == "ok", detail.removesuffix(")")))
    return lines


def recorded_lines(model: ModelFacts | None, names: dict[str, str]) -> list[tuple[str, str]]:
    """Return name and value of each of these tags that registration recorded."""
    tags = dict(model.tags) if model else {}
    if "best_epoch" in tags:
        tags["best_epoch"] = str(int(float(tags["best_epoch"])) + 1)  # epochs count from 1 on the page
    return [(name, tags[key].replace("..", " to ")) for key, name in names.items() if key in tags]


def quantile_lines(published: PublicationFacts) -> list[tuple[str, float]]:
    """Return the quantiles of the day's passive weights with their names."""
    names = [f"{share:.0%} of the plays weigh at most" for share in QUANTILES]
    return list(zip(names, published.passive_weight_quantiles, strict=False))


def figures(facts: ReportFacts) -> dict[str, str]:
    """Draw each figure for which there is something to draw."""
    drawn = {"transitions": plots.transitions(facts.history)}
    if plots.shown_patterns(facts.history):
        drawn["patterns"] = plots.patterns(facts.history)
    if facts.positions:
        drawn["positions"] = plots.positions(facts.positions)
    if facts.attention.total:
        drawn["attention"] = plots.histogram("attention", "attention", facts.attention)
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


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.0f}"


def _percent(value: float | None, digits: int = 2) -> str:
    return "none" if value is None else f"{value:.{digits}%}"


def _decimal(value: float | None, digits: int = 3) -> str:
    return "none" if value is None else f"{value:.{digits}f}"
