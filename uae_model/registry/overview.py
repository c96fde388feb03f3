"""What a person asks of registered versions: how well each explains held-out plays, and what was decided."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from uae_model.config.model_sections import PromotionGates
from uae_model.core.digests import NAME_DIGITS
from uae_model.core.text_table import aligned
from uae_model.registry.gates import RegisteredCandidate, failed_gates

FORCED = "promoted_in_spite_of"
"""Tag of an attention version: the gates that it failed when a person promoted it all the same."""


@dataclass(frozen=True)
class ModelLine:
    """One version of the attention model.

    Attributes:
        version: its number.
        propensity_version: that of its propensity model.
        aliases: such as champion.
        estimator: what trained it.
        validation_days: the days that it was judged on.
        loss: negative log-likelihood per play on them, in nats; None where none is known.
        compared_with: the champion that was judged on the same days; None where there was none.
        champion_loss: that champion's; None where it could not be compared.
        failed_gates: a sentence for each gate that it fails, compared as it was when it was trained.
        forced: the gates that a person overruled; empty where none was.
        digest: of its files, short; empty where they have none.
    """

    version: int
    propensity_version: int
    aliases: tuple[str, ...]
    estimator: str
    validation_days: str
    loss: float | None
    compared_with: int | None
    champion_loss: float | None
    failed_gates: tuple[str, ...]
    forced: str
    digest: str

    def to_dict(self) -> dict[str, Any]:
        """Return all of it, and the comparison in words, for a summary."""
        return {**asdict(self), "change": self.change}

    @property
    def change(self) -> str:
        """How much better or worse than the champion it explains held-out plays, in words."""
        return change_in_words(self.loss, self.champion_loss)


def model_line(
    version: int,
    tags: Mapping[str, str],
    aliases: Collection[str],
    candidate: RegisteredCandidate,
    gates: PromotionGates,
    digest: str,
) -> ModelLine:
    """Return what there is to say of a version.

    Args:
        version: its number.
        tags: of the version.
        aliases: of the version.
        candidate: its figures.
        gates: the limits of the configuration.
        digest: of its files; empty where it has none.
    """
    return ModelLine(
        version=version,
        propensity_version=int(tags.get("propensity_version", "0")),
        aliases=tuple(sorted(aliases)),
        estimator=tags.get("estimator", "?"),
        validation_days=tags.get("validation_days", "?"),
        loss=candidate.loss if math.isfinite(candidate.loss) else None,
        compared_with=candidate.compared_with,
        champion_loss=candidate.champion_loss,
        failed_gates=tuple(failed_gates(candidate, candidate.compared_with, gates)),
        forced=tags.get(FORCED, ""),
        digest=digest[:NAME_DIGITS],
    )


def change_in_words(loss: float | None, champion_loss: float | None) -> str:
    """Return by how much a loss is better or worse than the champion's, in words."""
    if loss is None or not math.isfinite(loss):
        return "no validation loss is known"
    if champion_loss is None:
        return "not compared with a champion"
    difference = loss - champion_loss
    if difference == 0:
        return "as good as the champion"
    share = f" ({abs(difference) / champion_loss:.2%})" if champion_loss > 0 else ""
    return f"{'worse' if difference > 0 else 'better'} by {abs(difference):.4f} nats a play{share}"


def table_of(lines: Collection[ModelLine]) -> list[str]:
    """Return the versions as rows of text under a header, and each failed gate below."""
    header = (
        "version",
        "alias",
        "estimator",
        "validated on",
        "loss",
        "champion's",
        "gates",
        "forced",
        "digest",
    )
    table = aligned([header, *[_cells(line) for line in lines]])
    for line in lines:
        table.append(f"version {line.version}: {line.change}")
        table += [f"version {line.version} fails: {gate}" for gate in line.failed_gates]
        if line.forced:
            table.append(f"version {line.version} was promoted in spite of: {line.forced}")
    return table


def _cells(line: ModelLine) -> tuple[str, ...]:
    days = sorted(set(line.validation_days.split("..")))
    compared = "" if line.compared_with is None else f" (v{line.compared_with})"
    return (
        str(line.version),
        ", ".join(line.aliases) or "-",
        line.estimator,
        " to ".join(days),
        "-" if line.loss is None else f"{line.loss:.4f}",
        "-" if line.champion_loss is None else f"{line.champion_loss:.4f}{compared}",
        f"{len(line.failed_gates)} failed" if line.failed_gates else "passed",
        "yes" if line.forced else "no",
        line.digest or "-",
    )
