"""What the columns of weights mean: told by the publication, without the producer's configuration."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from tests.readers.published_tables import LAST, morning_after, publish, weighted_rows
from uae_model.config import Config, load_config
from uae_model.core.errors import ContractError, InputError
from uae_model.readers import published_features, weighted_batches
from uae_model.readers.features import published_declaration

EARLIER = date(2026, 1, 12)


@pytest.fixture(scope="module")
def today() -> Config:
    return load_config(None)


@pytest.fixture(scope="module")
def tables(today: Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two days; the earlier one was published before the last feature was declared."""
    tables = tmp_path_factory.mktemp("features")
    before = today.with_features(today.features[:-1])
    publish(tables, weighted_rows(EARLIER), morning_after(EARLIER), config=before)
    publish(tables, weighted_rows(LAST), morning_after(LAST), config=today)
    return str(tables)


def test_they_are_those_that_were_declared(tables: str, today: Config) -> None:
    for features in (published_features(tables), published_features(tables, "2026-01-13")):
        for feature, declared in zip(features, today.features, strict=True):
            for name in ("name", "column", "kind", "role", "source", "buckets", "transform"):
                assert getattr(feature, name) == getattr(declared, name)


def test_each_has_a_meaning_and_a_type(tables: str) -> None:
    features = {feature.name: feature for feature in published_features(tables)}
    told = {name: (features[name].column, features[name].meaning, features[name].type) for name in features}
    assert told["user"] == ("user_id", "the play's user_id", pa.string())
    assert told["genre"] == ("genre", "the feed's genre, as delivered with the play", pa.string())
    assert told["play_rank"] == (
        "play_rank",
        "1 for the first play of the session, 2 for the next, ...",
        pa.int64(),
    )
    assert told["song_popularity"][2] == pa.float64()
    assert features["play_rank"].source == "session.position"


def test_a_day_has_the_features_of_its_own_time(tables: str, today: Config) -> None:
    names = today.features.names
    assert tuple(feature.name for feature in published_features(tables, EARLIER)) == names[:-1]
    then = published_features(tables, as_of=morning_after(EARLIER))
    assert tuple(feature.name for feature in then) == names[:-1]


def test_batches_have_them_by_default(tables: str, today: Config) -> None:
    (batch,) = weighted_batches(tables, EARLIER, LAST, batch_size=10_000)
    assert tuple(batch.features) == today.features.names
    (batch,) = weighted_batches(tables, latest=1, as_of=morning_after(EARLIER), batch_size=10_000)
    assert tuple(batch.features) == today.features.names[:-1]
    some = [feature for feature in published_features(tables) if feature.role == "context"]
    (batch,) = weighted_batches(tables, LAST, features=some, batch_size=10_000)
    assert set(batch.features) == {feature.name for feature in today.features if feature.role == "context"}


def test_the_plain_declaration_is_that_of_the_configuration(tables: str, today: Config) -> None:
    assert published_declaration(tables) == today.features.to_plain()


def test_a_day_that_is_not_published(tables: str) -> None:
    with pytest.raises(InputError, match="not published: 2026-01-14"):
        published_features(tables, "2026-01-14")


def test_a_column_that_the_day_lacks(tmp_path: Path) -> None:
    rows = weighted_rows(LAST)
    for row in rows:
        del row["genre"]
    publish(tmp_path, rows, morning_after(LAST))
    with pytest.raises(ContractError, match="day 2026-01-13: has no column genre, which feature genre needs"):
        published_features(str(tmp_path))
