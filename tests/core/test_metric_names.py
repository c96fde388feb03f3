"""The names of metrics on MLflow's pages."""

from __future__ import annotations

import pytest

from uae_model.core.metric_names import by_known_name, known_name, shown_name

PAIRS = {
    "validation_nll": "validation/nll",
    "train_attention_risk": "train/attention_risk",
    "chosen_validation_nll": "chosen/validation_nll",
    "step_attention_risk": "step/attention_risk",
    "epoch_train_loss": "epoch/train_loss",
    "active_plays.gauc_rows": "active_plays/gauc_rows",
    "chain-0.7/validation_nll": "chain-0.7/validation_nll",  # a candidate's, grouped by its name
    "plays": "plays",
}


@pytest.mark.parametrize(("name", "shown"), PAIRS.items())
def test_a_name_is_shown_in_its_group_and_known_again(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    assert known_name(shown) == name


def test_runs_of_before_have_the_names_themselves() -> None:
    assert all(known_name(name) == name for name in PAIRS)
    assert by_known_name({"validation/nll": 0.5, "train_nll": 0.25}) == {
        "validation_nll": 0.5,
        "train_nll": 0.25,
    }
