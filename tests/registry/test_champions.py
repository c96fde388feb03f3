"""Each step back leads further back, whatever a crash leaves; a promotion goes on from there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.exceptions import MlflowException

from uae_model.core.errors import ModelError
from uae_model.registry.champions import PREVIOUS, REMEMBERED, ChampionPlace


class Client:
    """MLflow's aliases and tags, in memory; may die at a call."""

    def __init__(self) -> None:
        self.aliases: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.dies_at = ""

    def _call(self, name: str) -> None:
        if self.dies_at == name:
            self.dies_at = ""
            raise KeyboardInterrupt

    def get_model_version_by_alias(self, model: str, alias: str) -> Any:
        if model not in self.aliases:
            raise MlflowException("none", error_code=1)
        return version(int(self.aliases[model]))

    def search_registered_models(self, query: str) -> list[Any]:
        return [SimpleNamespace(tags=dict(self.tags))]

    def set_registered_model_alias(self, model: str, alias: str, number: str) -> None:
        self._call("alias")
        self.aliases[model] = number

    def set_registered_model_tag(self, model: str, key: str, value: str) -> None:
        self._call("tag")
        self.tags[key] = value


def version(number: int) -> Any:
    return SimpleNamespace(version=str(number), tags={"propensity_version": str(10 * number)})


def place_of(client: Client) -> ChampionPlace:
    place = ChampionPlace(client, "a", "p")  # type: ignore[arg-type]
    place.versions = lambda: present(client)  # type: ignore[method-assign]
    return place


def present(client: Client) -> tuple[int, int] | None:
    return (int(client.aliases["a"]), int(client.aliases["p"])) if "p" in client.aliases else None


def step_back(place: ChampionPlace) -> int:
    number = place.before()
    place.step_back(version(number))
    return number


def test_two_steps_back_are_no_toggle() -> None:
    client = Client()
    place = place_of(client)
    for number in (1, 2, 3):
        place.promote(version(number))
    assert [step_back(place), step_back(place)] == [2, 1]
    assert present(client) == (1, 10)
    with pytest.raises(
        ModelError, match="a had no champion before the current one: there is nothing further"
    ):
        step_back(place)
    place.promote(version(3))  # forward again, by its number
    assert place.former() == [1]


def test_the_same_version_again_is_no_step() -> None:
    client = Client()
    place = place_of(client)
    for number in (1, 2, 2):
        place.promote(version(number))
    assert place.former() == [1]


def test_a_tag_of_an_earlier_release_is_one_step() -> None:
    client = Client()
    client.aliases, client.tags = {"a": "5", "p": "50"}, {PREVIOUS: "4"}
    assert step_back(place_of(client)) == 4


@pytest.mark.parametrize(("dies_at", "way"), [("alias", "forward"), ("tag", "back")])
def test_a_crash_between_alias_and_tag_costs_no_step(dies_at: str, way: str) -> None:
    client = Client()
    place = place_of(client)
    for number in (1, 2, 3):
        place.promote(version(number))
    client.dies_at = dies_at
    with pytest.raises(KeyboardInterrupt):
        place.promote(version(4)) if way == "forward" else step_back(place)
    assert step_back(place) == (2 if way == "forward" else 1)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=150))
def test_the_way_back_is_the_way_there(promoted: list[int]) -> None:
    client = Client()
    place = place_of(client)
    way: list[int] = []
    for number in promoted:
        place.promote(version(number))
        if not way or way[-1] != number:
            way.append(number)
    back = [step_back(place) for _ in place.former()]
    assert back == way[-2::-1][:REMEMBERED]
