"""The page about many days: facts and figures into one HTML file that needs nothing else."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from uae_model.pages.templates import page_environment
from uae_model.report.many_days.facts import KINDS, ManyDays
from uae_model.report.many_days.plots import LITTLE, MUCH, figures
from uae_model.report.numbers import decimal, number, percent, with_separators
from uae_model.report.page import Tile

CAPTIONS = {
    "events": ("Events", "What happened to which day. The same marks stand above every plot."),
    "plays": ("Plays", "Published plays of the day."),
    "active": ("Active share", "The share of plays that the listener answered."),
    "attention": (
        "Attention",
        "Mean of the passive plays. The grey band is the interval for the mean over all plays that the "
        "feedback allows.",
    ),
    "weight": ("Weight", "Mean of the passive plays, and the bars that hold 90% of them."),
    "quarantine": ("Quarantine", "Rows of the day's feed that could not be read."),
    "drift": (
        "Drift",
        "The largest population stability index of a feature against the model's training window. Below the "
        f"lower line ({LITTLE:g}) little has changed, above the upper one ({MUCH:g}) much.",
    ),
    "versions": ("Model", "The version of the attention model that scored the day."),
    "seconds": ("Seconds by step", "Wall-clock seconds of the last build of the day, by the table it made."),
}
"""Title and text of each plot, in the order of the page."""


def render_days(facts: ManyDays) -> str:
    """Return the page. The same facts give the same bytes."""
    environment = page_environment(Path(__file__).parent)
    environment.filters.update(number=number, percent=percent, decimal=decimal, separated=with_separators)
    drawn = figures(facts)
    return environment.get_template("days.jinja").render(
        facts=facts,
        tiles=tiles(facts),
        events=facts.events(),
        kinds=KINDS,
        plots=[
            (*CAPTIONS[name], Markup(drawn[name]))  # noqa: S704 - our own SVG
            for name in CAPTIONS
            if name in drawn
        ],
        absent=[CAPTIONS[name][0].lower() for name in CAPTIONS if name not in drawn and name != "events"],
    )


def tiles(facts: ManyDays) -> list[Tile]:
    """Return the key figures of the range."""
    published = facts.published
    passive_weights = [day.mean_passive_weight for day in published if day.mean_passive_weight is not None]
    models = list(dict.fromkeys(day.attention_version for day in published))
    kinds = [event.kind for event in facts.events()]
    refused = len([day for day in facts.days if day.refusal is not None])
    drift = [(index, name) for day in facts.days for name, index in day.stability.items()]
    worst = max(drift, default=None)
    return [
        Tile("Published", f"{len(published)} of {len(facts.days)}", "days of the range"),
        Tile("Refused", number(refused), f"days; {kinds.count('accepted')} with accepted checks"),
        Tile("Models", number(len(models)), f"attention {', '.join(map(str, models))}"),
        Tile("Reopened", number(kinds.count("reopened")), "days published more than once"),
        Tile("Plays", number(sum(day.plays for day in published)), "on the published days"),
        Tile("Mean weight", _range(passive_weights), "lowest to highest day, passive plays"),
        Tile("Quarantined", number(sum(day.quarantined for day in facts.days)), "feed rows"),
        Tile(
            "Largest drift", decimal(worst[0], 2) if worst else "none", worst[1] if worst else "not measured"
        ),
    ]


def _range(values: list[float]) -> str:
    if not values:
        return "none"
    return f"{min(values):.2f} to {max(values):.2f}"
