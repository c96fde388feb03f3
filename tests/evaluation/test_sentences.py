"""What the sentences say of hand-made figures."""

from __future__ import annotations

from uae_model.evaluation.comparison import Findings
from uae_model.evaluation.sentences import sentences
from uae_model.evaluation.trials import Trial, TrialResult

TITLES = {"none": "base", "auto": "auto", "constant": "constant", "uae": "UAE"}
TRUE, OBSERVED = "true_relevance", "observed_labels"


def findings(seeds: int, **values: list[float]) -> Findings:
    """Return two models: DCN with the given GAUC by weighting and seed, FM with the base's throughout."""
    results = []
    for weighting, by_seed in values.items():
        for seed, value in enumerate(by_seed[:seeds]):
            metrics = {f"{TRUE}.gauc_clicks": value, f"{OBSERVED}.gauc_clicks": 1 - value}
            results.append(TrialResult(Trial("DCN", weighting, seed), metrics))
            same = {f"{TRUE}.gauc_clicks": values["none"][seed], f"{OBSERVED}.gauc_clicks": 0.5}
            results.append(TrialResult(Trial("FM", weighting, seed), same))
    return Findings(results)


def test_what_is_shown_and_what_is_not() -> None:
    compared = findings(
        3, none=[0.60, 0.61, 0.62], auto=[0.65, 0.66, 0.671], constant=[0.64, 0.63, 0.68], uae=[0.5, 0.5, 0.5]
    )
    base, constant, missing = sentences(compared, [TRUE, OBSERVED], TITLES)
    assert base == (
        "Judged by true relevance of every play (simulation), weights from auto change GAUC against the base "
        "by +0.00 to +5.03 points (better on 1 of 2 base models, on 1 with p < 0.05)."
    )
    assert constant.startswith(
        "Against a constant weight of the same mean, which knows nothing of attention, auto"
    )
    assert "on 0 with p < 0.05" in constant
    assert missing == (
        "Not shown by a test over the seeds (p < 0.05): a gain over the base on FM and a gain over the "
        "constant on DCN, FM; judged by other labels the change against the base is: observed labels, "
        "auto-play counted as positive "
        "-5.03 to +0.00 points (better on 0 of 2 base models, on 0 with p < 0.05)."
    )


def test_one_seed_shows_nothing() -> None:
    compared = findings(1, none=[0.6], uae=[0.7])
    base, constant, missing = sentences(compared, [TRUE], TITLES)
    assert "weights from UAE" in base
    assert constant.startswith("No constant weight of the same mean was compared")
    assert missing.startswith("One seed allows no test")
    assert missing.endswith("the change against the base is: unknown.")


def test_without_an_estimator_there_is_nothing_to_say() -> None:
    assert sentences(findings(1, none=[0.6]), [TRUE], TITLES) == (
        "No weighting by an estimated attention was compared, so nothing was found about one.",
    )
