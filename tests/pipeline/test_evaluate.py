"""An evaluation of the tables: rows and truth as numbers, all trials once, tables in files."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from tests.builders import DAY
from tests.evaluation.builders import SETTINGS, MemoryStore
from tests.lake.test_store import frame_of
from tests.training_builders import encode_plays, pair_for, play_rows
from uae_model.config import load_config
from uae_model.core.errors import ContractError, InputError, ModelError, UsageError
from uae_model.evaluation.document import read_newest_document
from uae_model.evaluation.plays import TEST, TRAIN, VALIDATION, describe_files, read_evaluation_plays
from uae_model.lake import TableStore
from uae_model.pipeline.evaluate import evaluate, evaluation_days
from uae_model.pipeline.evaluation_plays import evaluation_plays

LAST = DAY + timedelta(days=3)
DAYS = [DAY + timedelta(days=number) for number in range(4)]
ROWS = [play_rows(day, 20) for day in DAYS]
EVERY = [row for rows in ROWS for row in rows]
OVERRIDES = (
    *SETTINGS,
    "training.window_days=2",
    "training.epochs=1",
    "training.stickiness=[0.4]",
    "network.mlp=[4]",
    "network.hidden=4",
    "evaluation.epochs=1",
    'evaluation.models=["FM"]',
    'evaluation.weightings=["none", "constant", "pn", "auto", "champion", "truth"]',
    "evaluation.seeds=[1]",
)


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> TableStore:
    """Four days of plays, and a truth that knows all but the first play of each day."""
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "uae.toml").touch()
    store = TableStore(spark, load_config(folder / "uae.toml", overrides=OVERRIDES))
    for day, rows in zip(DAYS, ROWS, strict=True):
        store.replace_day("plays", day, frame_of(store, "plays", rows), {"step": "test", "dt": f"{day}"})
    known = [
        {
            "event_id": row["event_id"],
            "attended": row["is_active"],
            "relevance": int(row["genre"] == "rock"),
            "simulated_session": 1,
            "dt": row["dt"],
        }
        for rows in ROWS
        for row in rows[1:]
    ]
    store.merge_new("truth", frame_of(store, "truth", known), DAYS, "true", {})
    return store


def no_champion() -> Any:
    raise ModelError("uae-attention has no champion")


@pytest.fixture
def champion(store: TableStore) -> Callable[[], Any]:
    """Return what loads a champion of random networks."""
    state = pair_for(store.config, 5).to_state()
    return lambda: champion_of(state, DAYS[2])


def champion_of(state: Any, last_day: date | None) -> Any:
    return SimpleNamespace(attention_version=3, digest="d", state=state, last_day=last_day)


def test_the_test_days_follow_validation_which_follows_training(store: TableStore) -> None:
    found = evaluation_days(LAST, store.config)
    assert found == {TRAIN: DAYS[:2], VALIDATION: [DAYS[2]], TEST: [DAYS[3]]}


def test_every_play_is_read_with_its_features_and_truth(store: TableStore) -> None:
    plays = evaluation_plays(store, evaluation_days(LAST, store.config))
    assert len(plays) == len(EVERY)
    assert plays.lengths_S.sum() == len(EVERY)
    assert [int((plays.split_N == split).sum()) for split in (TRAIN, VALIDATION, TEST)] == [
        len(ROWS[0]) + len(ROWS[1]),
        len(ROWS[2]),
        len(ROWS[3]),
    ]
    encoded = encode_plays(store.config, EVERY)

    def sorted_rows(*columns: object) -> list[tuple[float, ...]]:
        stacked = np.column_stack(columns).astype(float)  # type: ignore[arg-type]
        return sorted(map(tuple, np.nan_to_num(stacked, nan=-9).round(5).tolist()))

    labels = np.array([row["label"] for row in EVERY])
    assert sorted_rows(plays.categorical_NF, plays.numeric_NF, plays.active_N, plays.label_N) == sorted_rows(
        encoded.categorical, encoded.numeric, encoded.feedback, labels
    )
    assert plays.relevance_N is not None
    assert (plays.relevance_N == -1).sum() == len(DAYS)
    assert (plays.relevance_N == 1).sum() == sum(row["genre"] == "rock" for rows in ROWS for row in rows[1:])
    assert plays.attended_N is not None
    assert (plays.attended_N == 1).sum() == sum(row["is_active"] for rows in ROWS for row in rows[1:])
    # Users are told apart.
    assert len(set(plays.user_N.tolist())) == len({row["user_id"] for row in EVERY})


def test_of_many_plays_some_users_are_drawn_with_all_of_theirs(store: TableStore) -> None:
    splits = evaluation_days(LAST, store.config)
    by_user = Counter(evaluation_plays(store, splits).user_N.tolist())
    some = Counter(evaluation_plays(store, splits, len(EVERY) // 2).user_N.tolist())
    assert 0 < len(some) < len(by_user)
    assert some.items() <= by_user.items()
    everyone = evaluation_plays(store, splits, len(EVERY)).user_N
    assert Counter(everyone.tolist()) == by_user


def test_the_whole_evaluation_runs_once(
    store: TableStore, champion: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = MemoryStore()
    found = evaluate(store, trials, LAST, champion)
    assert found["trials"] == len(trials.results) == 6
    text = Path(found["md"]).read_text()
    assert "true relevance of every play (simulation)" in text
    assert "| AUC | GAUC (users weighted by clicks) |" in text
    assert "- Judged by true relevance of every play (simulation), weights from the champion change" in text
    shown = read_newest_document(store.config.paths.reports, LAST)
    assert shown is not None
    assert shown.to_markdown() == text
    page = Path(found["html"]).read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert 'id="plot-gamma-curves"' in page
    assert "FM: GAUC: constant" in page  # a figure of each model, base apart
    # Again: everything is known, so nothing is trained and the tables are the same.
    monkeypatch.setattr("uae_model.evaluation.trials.fit", None)
    monkeypatch.setattr("uae_model.evaluation.attention.Trainer", None)
    assert evaluate(store, trials, LAST, champion) == found
    assert Path(found["md"]).read_text() == text


def test_a_champion_alone_is_judged_on_a_sample_and_needs_no_snapshot(
    store: TableStore, champion: Callable[[], Any], tmp_path: Path
) -> None:
    config = store.config
    sample = {"weightings": ("none", "constant", "champion"), "max_plays": len(EVERY) // 2}
    changed = config.model_copy(
        update={
            "paths": config.paths.model_copy(update={"snapshots": f"{tmp_path}", "reports": f"{tmp_path}"}),
            "evaluation": config.evaluation.model_copy(update=sample),
        }
    )
    trials = MemoryStore()
    found = evaluate(TableStore(store.spark, changed), trials, LAST, champion)
    users = {row["user_id"] for row in EVERY}
    assert 0 < found["users"] < len(users)
    assert 0 < found["plays"] < len(EVERY)
    assert f"A quick look: {found['users']} users with all of their plays" in Path(found["md"]).read_text()
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == [
        next(path.name for path in tmp_path.glob("evaluation-*") if path.is_dir())
    ]
    assert len(trials.results) == 3


@pytest.mark.parametrize("known", [LAST, LAST + timedelta(days=3)])
def test_a_champion_is_not_judged_on_days_that_it_knows(store: TableStore, known: date) -> None:
    trained = champion_of(None, known)
    with pytest.raises(UsageError) as caught:
        evaluate(store, MemoryStore(), LAST, lambda: trained)
    assert str(caught.value) == (
        f"version 3, the champion, was trained and validated on days up to {known}, and plays from {LAST} on "
        "would judge it; give a --date with which all test days (evaluation.test_days) are "
        f"{known + timedelta(days=1)} or later, or leave champion out of evaluation.weightings"
    )
    assert caught.value.exit_code == 2


def test_a_champion_whose_days_are_not_known_is_warned_of(
    store: TableStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = pair_for(store.config, 5).to_state()
    monkeypatch.setattr("uae_model.pipeline.evaluate.run_grid", lambda *given: [])
    monkeypatch.setattr("uae_model.pipeline.evaluate.document_of", lambda *given: None)
    monkeypatch.setattr("uae_model.pipeline.evaluate.write_document", lambda *given: {})
    evaluate(store, MemoryStore(), LAST, lambda: champion_of(state, None))
    assert "does not tell which days the champion was trained on" in caplog.text


def test_days_without_plays_are_named(store: TableStore) -> None:
    with pytest.raises(InputError, match="missing: 2026-01-09"):
        evaluate(store, MemoryStore(), LAST + timedelta(days=1), no_champion)


def test_without_a_champion_none_is_compared(store: TableStore) -> None:
    with pytest.raises(ModelError, match="has no champion"):
        evaluate(store, MemoryStore(), LAST, no_champion)


def test_lost_rows_are_noticed(store: TableStore, tmp_path: Path) -> None:
    plays = evaluation_plays(store, evaluation_days(LAST, store.config))
    root = Path(store.config.paths.snapshots) / f"evaluation-{plays.identity}"
    files = [str(path.relative_to(root)) for path in root.glob("*/*.parquet")]
    tampered = tmp_path / "tampered"
    shutil.copytree(root, tampered)
    describe_files(str(tampered), len(plays) + 1, files, 1)
    with pytest.raises(ContractError, match=f"{len(plays)} rows were read, {len(plays) + 1} written"):
        read_evaluation_plays(str(tampered), "x")
    with pytest.raises(ContractError, match="no finished evaluation plays"):
        read_evaluation_plays(str(tmp_path / "nothing"), "x")


def test_without_a_truth_the_settings_that_need_it_are_left_out(store: TableStore, tmp_path: Path) -> None:
    config = store.config
    paths = {"snapshots": str(tmp_path / "snapshots"), "reports": str(tmp_path / "reports")}
    changed = config.model_copy(
        update={
            "paths": config.paths.model_copy(update=paths),
            "evaluation": config.evaluation.model_copy(update={"weightings": ("none", "active_only")}),
        }
    )
    blind = TableStore(store.spark, changed)
    exists = blind.exists
    blind.exists = lambda name: name != "truth" and exists(name)  # type: ignore[method-assign]
    found = evaluate(blind, MemoryStore(), LAST, no_champion)
    text = Path(found["md"]).read_text()
    assert "labels of active plays only" in text
    assert "true relevance" not in text
