"""What the verdict says of hand-made figures: better, worse, or too few plays to tell."""

from __future__ import annotations

from uae_model.evaluation.comparison import Findings
from uae_model.evaluation.labels import USER_PARTS, part_name
from uae_model.evaluation.trials import Trial, TrialResult
from uae_model.evaluation.verdict import verdict

TITLES = {"none": "base", "champion": "the champion", "constant": "constant", "uae": "UAE"}
SETTING = "active_plays"


def trial(model: str, weighting: str, gain: float, noise: float, seed: int = 1) -> TrialResult:
    """Return a trial whose gain over 0.6 is this on all users, and more or less on each part of them."""
    parts = {part_name(SETTING, part): 0.6 + gain + noise * (-1) ** part for part in range(USER_PARTS)}
    return TrialResult(Trial(model, weighting, seed), {f"{SETTING}.gauc_clicks": 0.6 + gain, **parts})


def said(*trials: TrialResult) -> str:
    return verdict(Findings(trials), [SETTING, "observed_labels"], TITLES)


def test_a_clear_gain_and_one_that_is_not() -> None:
    told = said(
        trial("FM", "none", 0.0, 0.0),
        trial("FM", "constant", 0.0215, 0.01),
        trial("FM", "champion", 0.02, 0.002),
    )
    # The error of a mean of parts that differ by 2 noise is noise / 3, times 2.262.
    assert told == (
        "Weights from the champion are better than equal weights for FM (+2.00, +1.85 to +2.15), and on "
        "these plays not to be told apart from a constant weight of the same mean for FM (-0.15, -0.75 to "
        "+0.45). "
        "Judged by GAUC on labels of active plays only, in points, with 95 % intervals over users; one seed "
        "does not tell what another fit gives."
    )


def test_models_that_disagree_are_named_apart() -> None:
    told = said(
        *(trial(model, "none", 0.0, 0.0, seed) for model in ("FM", "DCN", "AutoInt") for seed in (1, 2)),
        *(trial("FM", "uae", -0.02 - seed / 1e4, 0.002, seed) for seed in (1, 2)),
        *(trial("DCN", "uae", 0.02 + seed / 1e4, 0.002, seed) for seed in (1, 2)),
        *(trial("AutoInt", "uae", 0.01 + seed / 1e3, 0.05, seed) for seed in (1, 2)),
    )
    assert told.startswith("Weights from UAE are better than equal weights for DCN (+2.02, ")
    assert "; worse than equal weights for FM (-2.02, " in told
    assert "; on these plays not to be told apart from equal weights for AutoInt (+1.15, " in told
    assert "constant" not in told
    assert told.endswith("with 95 % intervals over users and seeds.")


def test_without_an_interval_or_an_estimate_there_is_no_verdict() -> None:
    alone = {f"{SETTING}.gauc_clicks": 0.6}
    assert said(*(TrialResult(Trial("FM", name, 1), alone) for name in ("none", "champion"))) == ""
    assert said(trial("FM", "none", 0.0, 0.0), trial("FM", "constant", 0.02, 0.001)) == ""


def test_a_base_that_ranks_as_chance_does_is_told() -> None:
    told = said(trial("FM", "none", -0.095, 0.0), trial("FM", "champion", -0.05, 0.002))
    assert told.endswith(
        " With equal weights FM (50.50) hardly beats chance (50): the plays or their labels teach little."
    )
