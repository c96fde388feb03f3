"""What a report shows, as plain values: no Spark, no plots, no HTML.

Counts are plays unless their name says otherwise; shares and means are None where nothing was counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from uae_model.evaluation.document import Document
from uae_model.training.comparison import Comparison
from uae_model.weights.choice import WeightChoice

HISTORY = 6
"""Plays that a feedback pattern looks back on (Fig. 2 b of the paper)."""

LAST_POSITION = 40
"""Positions in the session from here on are counted together."""

KNOWN_MEAN = re.compile(r", attention_mean=(\d?\.\d+)")
"""What a weight function says of a known mean of attention."""

PAPER_ACTIVE = 0.0876
PAPER_AFTER_ACTIVE = 0.5588
PAPER_AFTER_PASSIVE = 0.0488
"""P(active), P(active | last active) and P(active | last passive) of Fig. 2 a."""


@dataclass(frozen=True)
class Rate:
    """How many plays of a group were active."""

    plays: int
    active: int

    @property
    def share(self) -> float | None:
        """P(active) of the group."""
        return self.active / self.plays if self.plays else None

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.plays + other.plays, self.active + other.active)


@dataclass(frozen=True)
class PatternRate:
    """P(active) after one pattern of the last plays; ``a`` active, ``p`` passive, oldest play first."""

    pattern: str
    rate: Rate


@dataclass(frozen=True)
class FeedbackHistory:
    """How feedback follows feedback within a session (Fig. 2)."""

    overall: Rate
    after_active: Rate
    after_passive: Rate
    patterns: tuple[PatternRate, ...]


@dataclass(frozen=True)
class PositionCount:
    """The plays at one position of their sessions (Fig. 3); ``LAST_POSITION`` also holds the later ones."""

    position: int
    rate: Rate
    mean_passive_attention: float | None


@dataclass(frozen=True)
class Histogram:
    """Counts in equally wide bins over [0, 1]."""

    counts: tuple[int, ...]
    mean: float | None

    @property
    def total(self) -> int:
        """All plays counted."""
        return sum(self.counts)


@dataclass(frozen=True)
class PublicationFacts:
    """One row of ``publications``."""

    day: date
    delta_version: int
    status: str
    plays: int
    sessions: int
    active: int
    excluded: int
    quarantined: int
    mean_passive_attention: float | None
    mean_passive_weight: float | None
    passive_weight_quantiles: tuple[float, ...]
    checks: tuple[str, ...]
    attention_version: int
    propensity_version: int
    run_id: str
    accepted_checks: tuple[str, ...] = ()
    accepted_reason: str | None = None
    mean_interval: tuple[float, float] | None = None
    """Ends of the interval for the mean of attention that its model's training found."""


@dataclass(frozen=True)
class ContextValue:
    """The plays with one value of a feature that attention sees, or of a range of its values.

    ``order`` is its place where the values have an order; None where they have none. ``mean_attention`` is
    over all plays, active ones too.
    """

    feature: str
    value: str
    order: float | None
    rate: Rate
    mean_attention: float


@dataclass(frozen=True)
class Contexts:
    """Attention by context: all plays, and the most played values of each feature that attention sees."""

    plays: int
    mean_attention: float
    values: tuple[ContextValue, ...]

    def by_feature(self) -> dict[str, list[ContextValue]]:
        """Return the values of each feature, in their order."""
        grouped: dict[str, list[ContextValue]] = {}
        for one in self.values:
            grouped.setdefault(one.feature, []).append(one)
        return grouped


@dataclass(frozen=True)
class Freshness:
    """How old the day's publication and its feed are; None where the tables do not tell.

    Attributes:
        published_at: when the row that readers see was written.
        feed_day: the last day that the feed has been taken in of.
        feed_taken_at: when the last slot was taken in.
        newest_published: the last day that is published.
    """

    published_at: datetime | None
    feed_day: date | None
    feed_taken_at: datetime | None
    newest_published: date


@dataclass(frozen=True)
class QuarantineCount:
    """Rows of the feed that could not be read."""

    day: date
    reason: str
    rows: int


@dataclass(frozen=True)
class ReliabilityBin:
    """Plays of similar estimated attention, and how many of them were attended."""

    plays: int
    mean_estimated: float
    share_attended: float


@dataclass(frozen=True)
class Recovery:
    """How well estimated attention tells attended plays from the others, on one group of plays.

    ``auc`` is exact to ``auc_error``: the score is counted in bins, and a pair within one bin counts half.
    ``true_attention_auc`` is what the simulator's own attention probability reaches on the same plays.
    """

    plays: int
    attended: int
    mean_attention: float
    auc: float | None
    auc_error: float
    true_attention_auc: float | None
    calibration_error: float
    bins: tuple[ReliabilityBin, ...]

    @property
    def share_attended(self) -> float:
        """The share of the plays that were truly attended."""
        return self.attended / self.plays


@dataclass(frozen=True)
class TruthComparison:
    """Attention against the truth, on the plays whose truth is known."""

    plays: int
    known: int
    passive: Recovery | None
    everything: Recovery | None


@dataclass(frozen=True)
class FeatureDay:
    """A feature on a scored day; PSI (population stability index) is against the model's training window."""

    feature: str
    day: date
    missing_share: float
    unseen_share: float | None
    mean: float | None
    quantiles: tuple[float, ...]
    psi: float | None


@dataclass(frozen=True)
class ModelFacts:
    """The pair of models that scored the day: what registration recorded and its run's metrics by epoch."""

    attention_version: int
    propensity_version: int
    champion_version: int | None
    tags: dict[str, str]
    curves: dict[str, tuple[tuple[int, float], ...]]
    failed_gates: tuple[str, ...]
    candidates: tuple[Comparison, ...] = ()
    forced: str = ""
    """The gates that a person overruled when it was promoted."""
    weight_choice: WeightChoice | None = None

    @property
    def last_day(self) -> date | None:
        """The last day that it was trained or validated on."""
        last = self.tags.get("validation_days", "").rpartition("..")[2]
        return date.fromisoformat(last) if last else None

    @property
    def doubts(self) -> str:
        """What training warned of."""
        return self.tags.get("warnings", "")

    def curve(self, name: str) -> tuple[tuple[int, float], ...]:
        """Return a metric as (epoch from 1, value); empty where the run has none."""
        return self.curves.get(name, ())


@dataclass(frozen=True)
class TableVersion:
    """A table and the commit of it that this report looks at."""

    name: str
    version: int
    meaning: str


@dataclass(frozen=True)
class ReportFacts:
    """Everything that the page shows."""

    day: date
    first: date
    last: date
    published: PublicationFacts
    users: int
    has_newer_weights: bool
    tables: tuple[TableVersion, ...]
    config_digest: str
    weight_formula: str
    trend: tuple[PublicationFacts, ...]
    history: FeedbackHistory
    positions: tuple[PositionCount, ...]
    attention: Histogram
    weight: Histogram
    quarantine: tuple[QuarantineCount, ...]
    trend_first: date
    model: ModelFacts | None
    model_missing: str
    truth: TruthComparison | None
    truth_missing: str
    health: tuple[FeatureDay, ...] = ()
    evaluation: Document | None = None
    contexts: Contexts | None = None
    freshness: Freshness | None = None

    @property
    def mean_interval(self) -> tuple[float, float] | None:
        """The ends of the interval for mean attention that training found; None where it did not look."""
        if self.published.mean_interval is not None:
            return self.published.mean_interval
        tags = self.model.tags if self.model else {}
        if "attention_mean_low" not in tags:
            return None
        return float(tags["attention_mean_low"]), float(tags["attention_mean_high"])

    @property
    def known_mean(self) -> str | None:
        """The mean that attention was set to (``weights.attention_mean``); None where it was not."""
        told = KNOWN_MEAN.search(self.weight_formula)
        return told[1] if told else None

    @property
    def is_constant_weight(self) -> bool:
        """Whether all passive plays weigh the same, whatever their attention."""
        return self.weight_formula.startswith("constant(")


def total_rate(rates: Iterable[Rate]) -> Rate:
    """Return the sum of some rates."""
    return sum(rates, Rate(0, 0))
