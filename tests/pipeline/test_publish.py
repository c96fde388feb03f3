"""Publication: readers see a day once it has passed every check, and keep it while a later try fails."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from tests.builders import DAY
from tests.lake.test_store import frame_of
from tests.pipeline.building import accept, accepted
from uae_model.config import load_config
from uae_model.core.errors import InputError, PublicationRefusedError, UsageError
from uae_model.lake import TableStore, Unit
from uae_model.pipeline.currency import examine
from uae_model.pipeline.runner import build
from uae_model.pipeline.step import Acceptance, Night
from uae_model.pipeline.steps import PUBLICATION
from uae_model.pipeline.steps.publication import published_row
from uae_model.readers import (
    published_days,
    read_weights,
    read_weights_arrow,
    read_weights_pandas,
    read_weights_polars,
    weighted_batches,
)

NEXT = DAY + timedelta(days=1)
MODELS = {"attention_version": 1, "propensity_version": 2}


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
    folder = tmp_path_factory.mktemp("publish")
    (folder / "uae.toml").touch()
    return TableStore(spark, load_config(folder / "uae.toml"))


def write(store: TableStore, day: date, weights: list[float], plays: int = 3, **models: int) -> None:
    """Write plays and scores of one session whose first play is active; ``weights`` are the others'."""
    keys = [{"position": position, "is_active": position == 1, "dt": day} for position in range(1, plays + 1)]
    if store.states.version("plays", day) is None:
        store.replace_day("plays", day, frame_of(store, "plays", keys), {"step": "test"})
        accept(store, "plays", day=day, excluded=5)
    rows = [
        {"position": position, "is_active": position == 1, "dt": day, "sample_weight": weight}
        for position, weight in enumerate([1.0, *weights], start=1)
    ]
    store.replace_day("scores", day, frame_of(store, "scores", rows), {"step": "test"})
    pair = {**MODELS, **models}
    accept(store, "scores", day=day, models=[pair["attention_version"], pair["propensity_version"]])


def publish_day(store: TableStore, day: date) -> Row:
    build(store, PUBLICATION, day)
    return published_row(store, day)


def needs_publication(store: TableStore, day: date) -> str | None:
    reason = examine(Night(store, day, day), PUBLICATION, Unit("publications", day))
    return reason.text if reason else None


class TestStory:
    @pytest.fixture(scope="class")
    @staticmethod
    def told(store: TableStore) -> dict[str, Any]:
        found: dict[str, Any] = {}

        def seen() -> list[float]:
            rows = read_weights(store.spark, store.config.paths.tables, DAY).collect()
            return sorted(row["sample_weight"] for row in rows)

        quarantined = frame_of(store, "quarantine", [{"occurrences": 0}])
        store.replace_day("quarantine", DAY, quarantined, {})
        write(store, DAY, [0.4, 0.6])
        found["before"] = needs_publication(store, DAY)
        found["row"] = publish_day(store, DAY)
        found["seen"] = seen()
        version = store.latest_version("publications")
        found["again"] = publish_day(store, DAY)
        found["untouched"] = store.latest_version("publications") == version

        # A later try: one weight is missing, and their mean has left the limits.
        write(store, DAY, [0.9])
        strict = store.config.publication.model_copy(update={"max_passive_weight_mean": 0.8})
        limited = TableStore(store.spark, store.config.model_copy(update={"publication": strict}))
        limited.states = store.states  # what this test accepted is in no table
        found["stale"] = needs_publication(store, DAY)
        with pytest.raises(PublicationRefusedError) as failure:
            publish_day(limited, DAY)
        found["failure"] = str(failure.value)
        found["refused version"] = store.states.version("scores", DAY)
        found["refusals"] = store.read("refusals").collect()
        found["still seen"] = seen()

        # Set right, it replaces the first publication.
        write(store, DAY, [0.5, 0.7])
        found["second row"] = publish_day(store, DAY)
        found["seen at last"] = seen()
        found["rows"] = store.read("publications").count()
        return found

    def test_a_day_is_published_with_its_figures(self, told: dict[str, Any]) -> None:
        row = told["row"].asDict()
        assert told["before"] == "was never built"
        assert (row["row_count"], row["session_count"], row["active_count"]) == (3, 1, 1)
        assert row["mean_passive_weight"] == pytest.approx(0.5)
        assert (row["excluded_count"], row["quarantined_count"]) == (5, 0)
        assert (row["attention_model_version"], row["propensity_model_version"]) == (1, 2)
        assert (row["status"], row["table_name"], row["dt"]) == ("published", "weights", DAY)
        assert all(": ok (" in check for check in row["checks"])
        assert told["seen"] == [0.4, 0.6, 1.0]

    def test_publishing_again_changes_nothing(self, told: dict[str, Any]) -> None:
        assert told["again"] == told["row"]
        assert told["untouched"]

    def test_a_failed_check_is_told_and_readers_keep_what_they_had(self, told: dict[str, Any]) -> None:
        assert told["stale"].startswith("scores 2026-01-05 changed, version ")
        assert "table scores, dt=2026-01-05, version" in told["failure"]
        assert "one weight row for every play row: FAILED (1 missing, 0 extra, 0 doubled)" in told["failure"]
        assert "mean passive weight in [0, 0.8]: FAILED (0.9000)" in told["failure"]
        assert ": ok (" not in told["failure"]
        assert "--accept" not in told["failure"]  # nobody may overrule a missing weight
        assert PublicationRefusedError.exit_code == 4
        assert told["still seen"] == [0.4, 0.6, 1.0]

    def test_a_good_try_replaces_the_publication(self, told: dict[str, Any]) -> None:
        assert told["second row"]["delta_version"] > told["row"]["delta_version"]
        assert told["seen at last"] == [0.5, 0.7, 1.0]
        assert told["rows"] == 1

    def test_a_refusal_is_recorded(self, told: dict[str, Any]) -> None:
        rows = {row["code"]: row for row in told["refusals"]}
        assert sorted(rows) == ["", "weight_limits"]
        assert rows[""]["check_name"] == "one weight row for every play row"
        of_mean = rows["weight_limits"]
        assert (of_mean["value"], of_mean["threshold"]) == (0.9, 0.8)
        assert (of_mean["dt"], of_mean["attention_model_version"]) == (DAY, 1)
        assert (of_mean["table_name"], of_mean["delta_version"]) == ("scores", told["refused version"])

    def test_a_person_overrules_a_check_and_readers_see_it(
        self, store: TableStore, told: dict[str, Any]
    ) -> None:
        tables = store.config.paths.tables
        assert told["row"]["accepted_checks"] is None
        write(store, NEXT, [0.5, 0.7])
        for back in (10, 11, 12):  # published days of another size
            figures = {"sessions": 90_000, "plays": 900_000, "active": 300_000}
            rest = {"attention": 0.5, "weight": 0.6, "histogram": [], "missing": {}, "unseen": {}}
            day = NEXT - timedelta(days=back)
            counts = {"models": [1, 2], "neighbour": {**figures, **rest}}
            store.states.record(accepted("publications", day, counts=counts))
        with pytest.raises(PublicationRefusedError, match="--accept plays --accept sessions") as failure:
            publish_day(store, NEXT)
        assert "plays within a factor of 2.50 of the last days: FAILED (3, usual 9e+05" in str(failure.value)
        assert sorted(row["code"] for row in store.read("refusals", [NEXT]).collect()) == [
            "plays",
            "sessions",
        ]
        with pytest.raises(UsageError, match="--accept playz: no check of this day"):
            build(store, PUBLICATION, NEXT, acceptance=Acceptance(("playz",), "why"))
        with pytest.raises(PublicationRefusedError, match="sessions within"):
            build(store, PUBLICATION, NEXT, acceptance=Acceptance(("plays",), "a holiday"))

        codes = ("sessions", "plays", "mean_weight")  # the last one did not fail
        build(store, PUBLICATION, NEXT, acceptance=Acceptance(codes, "a holiday"))
        row = published_row(store, NEXT)
        assert (row["accepted_checks"], row["accepted_reason"]) == (["plays", "sessions"], "a holiday")
        both = published_days(tables, DAY, NEXT)
        assert [day.accepted_checks for day in both] == [(), ("plays", "sessions")]
        assert read_weights(store.spark, tables, DAY, NEXT).count() == told["row"]["row_count"] + 3
        assert read_weights(store.spark, tables, DAY, without_accepted=True).count() == 3
        refused = r"a person accepted: 2026-01-06 \("
        with pytest.raises(InputError, match=refused):
            read_weights(store.spark, tables, DAY, NEXT, without_accepted=True)
        for reader in (published_days, read_weights_arrow, read_weights_pandas, read_weights_polars):
            with pytest.raises(InputError, match=refused):
                reader(tables, NEXT, without_accepted=True)
        with pytest.raises(InputError, match=refused):
            next(weighted_batches(tables, NEXT, features=[], without_accepted=True))


def test_a_day_without_weights_is_named(store: TableStore) -> None:
    day = date(2026, 2, 1)
    with pytest.raises(InputError, match="2026-02-01 has no scores; run uae score --date 2026-02-01 first"):
        publish_day(store, day)
    store.ensure("publications")
    with pytest.raises(
        InputError, match="2026-02-01 is not published; run uae publish --date 2026-02-01 first"
    ):
        published_row(store, day)
    assert needs_publication(store, day) == "was never built"
