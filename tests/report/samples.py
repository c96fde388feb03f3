"""A small but complete set of facts, without Spark."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from tests.weights.test_choice import CHOICE
from uae_model.evaluation.document import Document, Figure, TextTable
from uae_model.evaluation.figures import gamma_curves
from uae_model.report.facts import (
    Contexts,
    ContextValue,
    FeedbackHistory,
    Freshness,
    Histogram,
    ModelFacts,
    PatternRate,
    PositionCount,
    PublicationFacts,
    QuarantineCount,
    Rate,
    Recovery,
    ReliabilityBin,
    ReportFacts,
    TableVersion,
    TruthComparison,
)
from uae_model.training.comparison import Comparison

DAY = date(2026, 1, 13)

CHECKS = (
    "the day has plays: ok (900 rows)",
    "one weight row for every play row: ok (0 missing, 0 extra, 0 doubled)",
    "quarantined share at most 0.05: FAILED (0.0600)",
)


def published(day: date = DAY, mean_weight: float | None = 0.7) -> PublicationFacts:
    """Return a published day of 900 plays, 90 of them active."""
    return PublicationFacts(
        day=day,
        delta_version=12,
        status="published",
        plays=900,
        sessions=100,
        active=90,
        excluded=3,
        quarantined=17,
        mean_passive_attention=0.25,
        mean_passive_weight=mean_weight,
        passive_weight_quantiles=(0.1, 0.4, 0.7, 0.9, 0.99),
        checks=CHECKS,
        attention_version=3,
        propensity_version=4,
        run_id=f"{day}-0123456789ab",
    )


def model() -> ModelFacts:
    """Return a pair of models trained for three epochs."""
    names = ("validation_nll", "validation_base_rate_nll", "train_attention_risk", "train_propensity_risk")
    shares = ("train_attention_clamped", "train_propensity_clamped", "validation_mean_attention")
    return ModelFacts(
        attention_version=3,
        propensity_version=4,
        champion_version=3,
        tags={
            "validation_nll": "0.254",
            "best_epoch": "2",
            "training_days": "2026-01-05..2026-01-11",
            "validation_days": "2026-01-12..2026-01-12",
            "training_plays": "1234567",
            "estimator": "chain",
            "attention_features": "hour_of_day, device",
            "attention_mean_low": "0.218",
            "attention_mean_high": "0.481",
        },
        curves=dict.fromkeys((*names, *shares), ((1, 0.5), (2, 0.4), (3, 0.3))),
        failed_gates=(),
        candidates=(
            Comparison(
                "chain-0.7-accidental-0.02", "chain", 0.7, 0.0, 0.254, 0.002, 0.0, 0.0, 3, 0.31, 0.28, False
            ),
            Comparison(
                "joint", "joint", 0.0, 0.0, 0.259, 0.002, 0.005, 0.0004, 1, 0.95, 0.09, True, diagnostic=True
            ),
        ),
        weight_choice=replace(CHOICE, judged_plays=7000),
    )


def contexts() -> Contexts:
    """Return attention by device, least where it is a car, and by hour and by ranges of the gap."""
    devices = (("car <1>", 30, 0.1), ("phone", 500, 0.3), ("a speaker with quite a long name", 370, 0.4))
    sources = (("radio", 900, 0.334),)
    ranges = ("up to 10", "to 20", "to 45", "to 3,600", "over 3,600")
    values = [
        *(ContextValue("device", name, None, Rate(plays, 9), mean) for name, plays, mean in devices),
        *(ContextValue("play_source", name, None, Rate(plays, 9), mean) for name, plays, mean in sources),
        *(ContextValue("hour_of_day", str(n), n, Rate(900 // 24, 3), 0.3 + 0.005 * n) for n in range(24)),
        *(ContextValue("gap", name, n, Rate(180, 18), 0.4 - 0.02 * n) for n, name in enumerate(ranges)),
    ]
    return Contexts(900, 0.334, tuple(values))


def recovery() -> Recovery:
    """Return a recovery that overestimates a little."""
    bins = tuple(ReliabilityBin(81, 0.05 + 0.09 * k, 0.04 + 0.08 * k) for k in range(10))
    return Recovery(810, 300, 0.4, 0.7654, 1e-6, 0.8123, 0.0432, bins)


def evaluation() -> Document:
    """Return an evaluation with a table that is wider than a telephone, and a figure."""
    weightings = ("base", "constant", "active plays only", "EDM", "NDB", "PN", "SAR", "UAE", "auto")
    table = TextTable(
        "By weighting: labels of active plays only",
        ("base model", "metric", *weightings),
        (
            ("Wide&Deep", "GAUC (users weighted by clicks)", *("61.26 ± 0.41*" for _ in weightings)),
            ("Wide&Deep", "RelaImpr", *("+10.45" for _ in weightings)),
        ),
        labels=2,
    )
    return Document(
        title="Weights downstream, judged on plays up to 2026-01-13",
        findings=("Weights <help> on 1 of 2 base models.", "More is not known.", "Nothing else was shown."),
        notes=("200,000 plays to train on, 20,000 to judge.",),
        tables=(table,),
        figures=(Figure("Weight functions.", gamma_curves((5.0, 15.0))),),
    )


@functools.cache
def sample() -> ReportFacts:
    """Return facts with every section filled."""
    patterns = tuple(
        PatternRate("".join(letters), Rate(60, 4 + 8 * letters.count("a")))
        for letters in itertools.product("ap", repeat=6)
    )
    days = tuple(published(DAY - timedelta(days=back), 0.7 - 0.01 * back) for back in (2, 1, 0))
    return ReportFacts(
        day=DAY,
        first=DAY,
        last=DAY,
        published=published(),
        users=80,
        has_newer_weights=False,
        tables=(TableVersion("weights", 12, "the version that readers of the day pin"),),
        config_digest="0123456789ab",
        weight_formula="power(prediction, gamma=15)",
        trend=days,
        history=FeedbackHistory(Rate(900, 90), Rate(80, 44), Rate(720, 36), patterns),
        positions=tuple(PositionCount(position, Rate(50 - position, 5), 0.3) for position in range(1, 41)),
        attention=Histogram((400, 200, 110, 100), 0.25),
        weight=Histogram((100, 110, 200, 400), 0.7),
        quarantine=(
            QuarantineCount(DAY - timedelta(days=1), "unknown feedback", 5),
            QuarantineCount(DAY, "a reason <b>with</b> markup that goes on for quite a number of words", 12),
        ),
        trend_first=DAY - timedelta(days=13),
        model=model(),
        model_missing="",
        truth=TruthComparison(900, 900, recovery(), replace(recovery(), plays=900)),
        truth_missing="",
        evaluation=evaluation(),
        contexts=contexts(),
        freshness=Freshness(
            published_at=datetime(2026, 1, 14, 9, 30, tzinfo=UTC),
            feed_day=DAY + timedelta(days=1),
            feed_taken_at=datetime(2026, 1, 14, 9, 2, tzinfo=UTC),
            newest_published=DAY,
        ),
    )


def bare() -> ReportFacts:
    """Return facts where everything optional is missing."""
    return replace(
        sample(),
        evaluation=None,
        contexts=None,
        freshness=None,
        history=FeedbackHistory(Rate(2, 2), Rate(1, 1), Rate(0, 0), ()),
        positions=(PositionCount(1, Rate(2, 2), None),),
        attention=Histogram((0, 0), None),
        weight=Histogram((0, 0), None),
        published=replace(
            published(mean_weight=None), mean_passive_attention=None, passive_weight_quantiles=()
        ),
        trend=(published(mean_weight=None),),
        quarantine=(),
        model=None,
        model_missing="there is no registry at sqlite:///gone.db",
        truth=None,
        truth_missing="there is no table truth",
        has_newer_weights=True,
    )
