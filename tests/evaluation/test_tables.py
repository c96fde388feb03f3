"""Tables in the paper's layout."""

from __future__ import annotations

from uae_model.evaluation.comparison import Findings
from uae_model.evaluation.labels import USER_PARTS, part_name
from uae_model.evaluation.tables import table_five, table_four, table_of_one
from uae_model.evaluation.trials import Trial, TrialResult

TITLES = {"none": "base", "uae": "UAE", "pn": "P<N"}


def findings() -> Findings:
    figures = {
        ("FM", "none"): (0.60, 0.62),
        ("FM", "uae"): (0.65, 0.67),
        ("FM", "pn"): (0.55, 0.58),
        ("DCN", "none"): (0.70, 0.70),
        ("DCN", "uae"): (0.70, 0.70),
    }
    return Findings(
        [
            TrialResult(Trial(model, weighting, seed), {"active_plays.auc": value})
            for (model, weighting), values in figures.items()
            for seed, value in enumerate(values)
        ]
    )


def test_table_four_has_base_models_in_columns() -> None:
    table = table_four(findings(), "active_plays", TITLES)
    assert table.caption == "By base model: labels of active plays only"
    assert table.header == ("metric", "weights", "FM", "DCN")
    assert table.rows[:5] == (
        ("AUC", "base", "61.00 ± 1.41", "70.00 ± 0.00"),
        ("AUC", "+ UAE", "66.00 ± 1.41*", "70.00 ± 0.00"),
        ("AUC", "RelaImpr", "+45.45", "+0.00"),
        ("AUC", "+ P<N", "56.50 ± 2.12", "–"),
        ("AUC", "RelaImpr", "-40.91", "–"),
    )


def test_table_five_has_weightings_in_columns() -> None:
    table = table_five(findings(), "active_plays", TITLES)
    assert table.header == ("base model", "metric", "base", "UAE", "P<N")
    assert table.rows[0] == ("FM", "AUC", "61.00 ± 1.41", "66.00 ± 1.41*", "56.50 ± 2.12")
    assert table.rows[1] == ("FM", "RelaImpr", "+0.00", "+45.45", "-40.91")
    assert len(table.rows) == 2 * 3 * 2


def test_a_single_model_has_its_metrics_side_by_side() -> None:
    def trial(weighting: str, gauc: float, by_part: float) -> TrialResult:
        parts = {part_name("active_plays", part): 0.6 + by_part * (part % 2) for part in range(USER_PARTS)}
        return TrialResult(Trial("FM", weighting, 1), {"active_plays.gauc_clicks": gauc, **parts})

    table = table_of_one(Findings([trial("uae", 0.65, 0.1), trial("none", 0.6, 0.0)]), "active_plays", TITLES)
    assert table.caption == "FM: labels of active plays only"
    assert table.header[0] == "weights"
    # The gains of the parts are 0 and 0.1 by turns: an error of 1/60, 9 degrees of freedom.
    assert table.rows == (
        ("base", "–", "–", "60.00", "–"),
        ("UAE", "+5.00 (+1.23 to +8.77)", "–", "65.00", "–"),
    )
