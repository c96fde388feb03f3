"""The declaration of dimensions, and of the features that read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from uae_model.config import Config, load_config, parse_config
from uae_model.core.errors import ConfigError

SONGS = {
    "entity": "song",
    "feed": "songs/dt={date}",
    "attributes": {"genre": "categorical", "year": "numeric"},
}
DEVICE = {"name": "device", "kind": "categorical", "role": "both"}
GENRE = {"name": "song_genre", "kind": "categorical", "role": "both", "source": "song.genre"}


def declare(*dimensions: dict[str, Any], features: tuple[dict[str, Any], ...] = (DEVICE,)) -> Config:
    return parse_config({"features": list(features), "dimensions": list(dimensions)})


def test_a_dimension_names_its_table_key_and_columns() -> None:
    (songs,) = declare({**SONGS, "columns": {"song_id": "track"}}).dimensions
    assert (songs.table, songs.key, songs.format) == ("songs", "song_id", "parquet")
    assert [songs.source_column(target) for target in songs.targets] == [
        *("track", "valid_from", "genre", "year"),
    ]


def test_a_feature_reads_an_attribute_whatever_its_role() -> None:
    for role in ("context", "preference", "both"):
        config = declare(SONGS, features=(DEVICE, {**GENRE, "role": role}))
        (feature,) = config.features.of_origin("song")
        assert (feature.source_column, feature.is_attribute, feature.is_joined) == ("genre", True, True)
        assert config.features.joined == (feature,)
    assert not any(feature.is_joined for feature in load_config(None).features)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entity": "artist"}, "dimension artist: entity = 'artist': Input should be 'user' or 'song'"),
        ({"format": "avro"}, "dimension song: format = 'avro': Input should be 'parquet', 'jsonl' or 'csv'"),
        ({"attributes": {}}, "dimension song: attributes: "),
        ({"attributes": {"Genre": "categorical"}}, "'Genre': allowed are lower-case letters, digits and _"),
        ({"attributes": {"valid_to": "categorical"}}, "'valid_to' is a column of the table already"),
        ({"attributes": {"genre": "text"}}, "Input should be 'categorical' or 'numeric'"),
        ({"columns": {"style": "genre"}}, "columns has style: allowed are song_id, valid_from, genre, year"),
        ({"feed": "songs/{hour}"}, "feed = 'songs/{hour}': {hour} needs {date} beside it"),
        ({"feed": ""}, "dimension song: feed = ''"),
        ({"name": "songs"}, "dimension song: name: no such setting; allowed are"),
    ],
)
def test_what_is_wrong_is_named_with_what_is_allowed(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as failure:
        declare({**SONGS, **change})
    assert message in str(failure.value)


def test_an_entity_has_one_dimension() -> None:
    with pytest.raises(ConfigError, match="dimensions: entity = 'song' is declared more than once"):
        declare(SONGS, SONGS)


@pytest.mark.parametrize(
    ("dimensions", "change", "message"),
    [
        ([], {}, "source = 'song.genre': declare it under .* allowed so far: none, no dimension is declared"),
        ([SONGS], {"source": "song.mood"}, "source = 'song.mood': .* so far: song.genre, song.year"),
        ([SONGS], {"source": "user.plan"}, "source = 'user.plan': declare it .* with entity = 'user'"),
        ([SONGS], {"kind": "numeric"}, "feature song_genre: kind = 'numeric': allowed is 'categorical'"),
        ([SONGS], {"source": "song."}, "allowed: feed.<column>.*, user.<attribute>, song.<attribute>"),
    ],
)
def test_a_feature_needs_its_attribute(
    dimensions: list[dict[str, Any]], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        declare(*dimensions, features=(DEVICE, {**GENRE, **change}))


def test_settings_without_a_dimension_are_named_as_ever() -> None:
    assert "dimensions" not in json.loads(load_config(None).canonical_json())


def test_a_digest_names_the_attributes_and_not_where_their_feed_lies(tmp_path: Path) -> None:
    digests = set()
    for folder in ("here", "there"):
        file = tmp_path / folder / "uae.toml"
        file.parent.mkdir()
        file.write_text('profile = "dimensions"\n')
        config = load_config(file)
        assert config.dimensions[1].feed == str(tmp_path / folder / "dimensions/songs/dt={date}")
        assert Config.model_validate(json.loads(config.canonical_json())) == config
        digests.add((config.digest(), config.dimension_digest(config.dimensions[1])))
    assert len(digests) == 1
    changed = config.dimensions[1].model_copy(update={"attributes": {"genre": "categorical"}})
    assert config.dimension_digest(changed) != digests.pop()[1]
    assert config.model_copy(update={"dimensions": (changed,)}).digest() != config.digest()


def test_attributes_move_no_play() -> None:
    plain, more = declare(SONGS), declare(SONGS, features=(DEVICE, GENRE))
    assert plain.digest_of("sessions", "features") == more.digest_of("sessions", "features")
    assert plain.digest() != more.digest()
