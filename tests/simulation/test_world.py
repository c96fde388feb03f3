"""Parameters of the world: their limits, how they are set by text, and that the docs name them."""

from __future__ import annotations

from pathlib import Path

import pytest

from uae_model.core.errors import InputError
from uae_model.simulation.world import LIMITS, OPTIONS_OF_THEIR_OWN, World, parameters_of

DATASETS = Path(__file__).parents[2] / "docs" / "datasets.md"


def test_parameters_are_set_by_text_with_their_own_type() -> None:
    parameters = parameters_of(["boredom=1.5", "short_absence=2", "boredom=0.5"])
    assert parameters == {"boredom": 0.5, "short_absence": 2}
    assert World(**parameters).boredom == 0.5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("bordom=1", "'bordom' is no parameter of the world; known: activity, "),
        ("seed=3", "'seed' is no parameter"),
        ("boredom", "boredom = '': must be a number"),
        ("short_absence=1.5", "short_absence = '1.5': must be a whole number"),
    ],
)
def test_what_is_no_parameter_or_no_number_is_refused_by_name(setting: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parameters_of([setting])


def test_not_a_number_is_beyond_every_limit() -> None:
    with pytest.raises(InputError, match=r"boredom = nan: must lie between 0\.0 and 10\.0"):
        World(**parameters_of(["boredom=nan"]))


def test_long_absences_from_must_not_lie_behind_to() -> None:
    with pytest.raises(InputError, match="long_absence_from = 30: must be at most long_absence_to = 20"):
        World(long_absence_from=30)


@pytest.mark.parametrize("name", sorted(set(LIMITS) - set(OPTIONS_OF_THEIR_OWN)))
def test_the_documentation_has_every_parameter_with_its_default(name: str) -> None:
    rows = [line.split("|")[1:4] for line in DATASETS.read_text().splitlines() if f"`{name}`" in line]
    names, defaults, _ = next(row for row in rows if row)
    position = [part.strip(" `") for part in names.split(",")].index(name)
    assert float(defaults.split(",")[position]) == getattr(World, name)
