"""What a day's facts allow to say, in sentences: none that the data contradict."""

from __future__ import annotations

import math
from collections.abc import Sequence

from uae_model.report.facts import FeedbackHistory, ModelFacts, PositionCount, Rate, ReportFacts, total_rate
from uae_model.report.numbers import with_separators

CLEARLY = 2.0
"""Standard errors by which two shares must differ before a sentence says that they do."""


def objections(facts: ReportFacts) -> list[str]:
    """Return what speaks against the day's weights or their models; the page has it in red at its head."""
    day = facts.published
    said = _about_model(facts.model) if facts.model else []
    failed = [check for check in day.checks if ": FAILED" in check]
    if day.accepted_checks:
        names = ", ".join(day.accepted_checks)
        said.append(f"A person accepted failed checks of this day ({names}): {day.accepted_reason}.")
    elif failed:
        said.append(f"The day was published with failed checks: {with_separators('; '.join(failed))}.")
    if facts.has_newer_weights:
        said.append(
            "The day has been scored again since; those weights are not published, and not shown here."
        )
    return said


def _about_model(model: ModelFacts) -> list[str]:
    said = []
    if model.forced:
        said.append(
            f"A person made attention model {model.attention_version} champion in spite of failed gates: "
            f"{with_separators(model.forced)}."
        )
    elif model.failed_gates:
        gates = with_separators("; ".join(model.failed_gates))
        said.append(f"Attention model {model.attention_version} fails promotion gates: {gates}.")
    if model.doubts:
        said.append(f"Training doubted attention model {model.attention_version}: {model.doubts}.")
    return said


def level_value(facts: ReportFacts) -> str:
    """Return what is known of the level of attention, in few words."""
    if facts.known_mean:
        return f"{float(facts.known_mean):.0%}"
    if facts.mean_interval is None:
        return "not identified"
    low, high = facts.mean_interval
    return f"{low:.0%} to {high:.0%}"


def level_sentence(facts: ReportFacts) -> str:
    """Return how far the level of attention is known."""
    interval = facts.mean_interval
    told = f"from {interval[0]:.0%} to {interval[1]:.0%}" if interval else ""
    if facts.known_mean:
        alone = f" The feedback alone allows any mean {told}." if interval else ""
        return (
            f"The level of attention is not identified by feedback; its mean is set to {facts.known_mean} "
            f"(weights.attention_mean).{alone}"
        )
    how_far = (
        f"the feedback allows any mean of attention {told} of the plays"
        if interval
        else "no interval for the mean of attention is known of this model"
    )
    return (
        f"The level of attention is not identified: {how_far}. Trust the order of the weights more than "
        "their level."
    )


def feedback_sentence(history: FeedbackHistory) -> str:
    """Return how the last play's feedback changes the chance that the next play is active."""
    after_active, after_passive = history.after_active, history.after_passive
    first, second = after_active.share, after_passive.share
    if first is None or second is None:
        return "No session has a play after an active one and a play after a passive one to compare."
    difference, error = first - second, math.hypot(_error(after_active), _error(after_passive))
    shares = f"({first:.1%} against {second:.1%})"
    if abs(difference) <= CLEARLY * error:
        return (
            "Whether the last play was active makes no clear difference to the next one on these plays "
            f"{shares}."
        )
    if difference > 0:
        return (
            f"A play is more often active after an active play than after a passive one {shares}: feedback "
            "follows feedback, the sequential pattern that the model learns from."
        )
    return (
        f"A play is less often active after an active play than after a passive one {shares}: here feedback "
        "does not follow feedback."
    )


def _error(rate: Rate) -> float:
    """Return the standard error of a share, with one play of each kind added so that it is never 0."""
    plays = rate.plays + 2
    share = (rate.active + 1) / plays
    return math.sqrt(share * (1 - share) / plays)


def positions_sentence(counts: Sequence[PositionCount]) -> str:
    """Return where in their sessions plays stand, and how often early and late ones are active."""
    total = total_rate(count.rate for count in counts)
    if total.plays == 0:
        return "There are no plays."
    seen, middle = 0, counts[0].position
    for count in counts:
        seen, middle = seen + count.rate.plays, count.position
        if 2 * seen >= total.plays:
            break
    said = f"Half of the plays stand at position {middle} of their session or earlier."
    early = total_rate(count.rate for count in counts if count.position <= middle)
    late = total_rate(count.rate for count in counts if count.position > middle)
    if early.share is None or late.share is None:
        return said
    return f"{said} Of these {early.share:.1%} are active, of the later ones {late.share:.1%}."


def weights_sentence(facts: ReportFacts) -> str:
    """Return what a passive play weighs."""
    if facts.is_constant_weight:
        return (
            "Each passive play counts in the recommender's loss with the same weight, whatever its attention "
            f"({facts.weight_formula})."
        )
    return (
        "A passive play counts in the recommender's loss with a weight that grows with its estimated "
        f"attention ({facts.weight_formula})."
    )


def help_sentence(model: ModelFacts | None) -> str:
    """Return whether the chosen weighting helps a base model, as far as the choice at training shows."""
    choice = model.weight_choice if model else None
    if choice is None:
        return ""
    chosen = choice.chosen
    gain = f"{100 * chosen.gain:+.2f} ± {100 * CLEARLY * chosen.gain_error:.2f} points of {choice.metric}"
    judged = f"on {choice.judged_plays:,} active plays up to {choice.day}"
    if choice.name == "none":
        return f"No weighting served a base model better than equal weights, {judged}."
    what = f"weights {choice.name} help a base model: {gain} over equal weights, {judged}."
    is_shown = chosen.gain > CLEARLY * chosen.gain_error
    return f"It is shown that {what}" if is_shown else f"It is not shown that {what}"
