"""Digests that name a run: what counts and what does not."""

from __future__ import annotations

import json

import pytest

from uae_model.config import Config, load_config

BASE = load_config(None)


def changed(*overrides: str) -> Config:
    return load_config(None, overrides=overrides)


@pytest.mark.parametrize(
    "override",
    ["paths.tables=/elsewhere", "paths.mlflow=https://example.org", "tuning.join_salts=99"],
)
def test_where_things_lie_and_tuning_do_not_count(override: str) -> None:
    assert changed(override).digest() == BASE.digest()
    assert changed(override).canonical_json() != BASE.canonical_json()
    assert changed(override).canonical_json(with_paths=False) == BASE.canonical_json(with_paths=False)


@pytest.mark.parametrize(
    "override",
    [
        "weights.gamma=5",
        "sessions.gap_minutes=20",
        "training.seed=8",
        "feed.late_days=1",
        "retention.working_days=9",
    ],
)
def test_whatever_else_counts(override: str) -> None:
    assert changed(override).digest() != BASE.digest()


def test_so_do_the_features_and_their_order() -> None:
    turned = BASE.with_features(BASE.features[::-1])
    assert turned.digest() != BASE.digest()
    assert turned.digest_of("sessions") == BASE.digest_of("sessions")
    assert turned.digest_of("features") != BASE.digest_of("features")


def test_the_unit_that_always_was_names_nothing_new() -> None:
    assert "played_unit" not in BASE.canonical_json()
    assert changed("feed.played_unit=milliseconds").digest_of("feed") == BASE.digest_of("feed")
    assert changed("feed.played_unit=seconds").digest_of("feed") != BASE.digest_of("feed")


def test_when_days_are_built_again_changes_no_rows() -> None:
    weekly = changed("feed.reopen=weekly", "feed.reopen_share=0.5")
    assert weekly.digest_of("feed") == BASE.digest_of("feed")
    assert changed("feed.late_days=4").digest_of("feed") != BASE.digest_of("feed")
    assert changed("snapshot.max_plays=5000").digest_of("snapshot") != BASE.digest_of("snapshot")


def test_a_digest_of_sections_counts_these_alone() -> None:
    assert changed("weights.gamma=5").digest_of("sessions", "labels") == BASE.digest_of("sessions", "labels")
    assert changed("sessions.gap_minutes=20").digest_of("sessions") != BASE.digest_of("sessions")
    assert BASE.digest_of("sessions") != BASE.digest_of("labels")


def test_a_new_code_version_is_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    before = BASE.digest(), BASE.digest_of("sessions")
    monkeypatch.setattr("uae_model.config.settings.__version__", "99.0")
    assert BASE.digest() != before[0]
    assert BASE.digest_of("sessions") != before[1]


def test_a_run_has_the_id_of_its_day_and_settings() -> None:
    assert BASE.run_id("2026-01-05") == f"2026-01-05-{BASE.digest()}"
    assert len(BASE.digest()) == 12
    assert load_config(None).run_id("2026-01-05") == BASE.run_id("2026-01-05")


def test_the_recorded_form_can_be_read_back() -> None:
    assert Config.model_validate(json.loads(BASE.canonical_json())) == BASE
    assert "paths" not in json.loads(BASE.canonical_json(with_paths=False))
