"""The gates between a candidate and the champion's place."""

from __future__ import annotations

import math
from collections.abc import Mapping

from uae_model.config.model_sections import PromotionGates


def failed_gates(tags: Mapping[str, str], reigning: str, gates: PromotionGates) -> list[str]:
    """Return a sentence for each gate that the candidate's recorded metrics fail; empty if it may reign.

    Args:
        tags: of the attention model's version, as registration wrote them.
        reigning: version of the present champion, empty if there is none.
        gates: the limits.
    """
    loss = float(tags.get("validation_nll", "nan"))
    base = float(tags.get("validation_base_rate_nll", "nan"))
    plays = int(tags.get("training_plays", "0"))
    failed = []
    if not math.isfinite(loss):
        failed.append("it has no validation loss")
    if gates.beat_base_rate and not loss < base:
        failed.append(
            f"its validation loss {loss:.4f} is not below that of the constant base rate, {base:.4f}"
        )
    if plays < gates.min_training_plays:
        failed.append(
            f"it was trained on {plays} plays, promotion.min_training_plays = {gates.min_training_plays}"
        )
    if reigning:
        failed += _against_champion(tags, reigning, loss, gates)
    return failed


def _against_champion(
    tags: Mapping[str, str], reigning: str, loss: float, gates: PromotionGates
) -> list[str]:
    judged = tags.get("champion_version", "")
    if judged != reigning:
        return [
            f"it was compared with champion {judged or 'none'}, but version {reigning} reigns; train it again"
        ]
    if "champion_validation_nll" not in tags:
        return [f"champion {reigning} has other features, so their losses cannot be compared"]
    champion = float(tags["champion_validation_nll"])
    if loss > champion * (1 + gates.max_nll_increase):
        return [
            f"its validation loss {loss:.4f} exceeds champion {reigning}'s {champion:.4f} by more than "
            f"{gates.max_nll_increase:.1%}"
        ]
    return []
