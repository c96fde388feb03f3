"""What stands in for the registry and the steps in tests of jobs."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from tests.pipeline.building import accepted
from uae_model.pipeline.currency import Reason
from uae_model.pipeline.runner import Result

DATE = ["--date", "2026-01-05"]
COUNTS = {"plays": 3, "sessions": 1, "events": 4, "carried": 1, "excluded": 0}
NEW = Reason("was never built")


def built(table: str, day: date, **counts: Any) -> Result:
    return Result(accepted(table, day, counts=counts), NEW)


class Registry:
    """What jobs ask of the registry."""

    champions: list[Any]

    def __init__(self, config: Any) -> None:
        Registry.champions = []

    def champion(self) -> Any:
        return SimpleNamespace(attention_version=4)

    def roll_back(self) -> int:
        Registry.champions.append(2)
        return 2
