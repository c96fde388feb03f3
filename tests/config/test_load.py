"""Reading the configuration: what wins over what, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from uae_model.config import PROFILES, load_config, parse_config
from uae_model.config.load import read_profile
from uae_model.core.errors import ConfigError


def refused(*overrides: str, **arguments: Any) -> str:
    with pytest.raises(ConfigError) as failure:
        load_config(arguments.pop("path", None), overrides=overrides, **arguments)
    message = str(failure.value)
    assert "\n" not in message
    return message


class TestProfiles:
    def test_those_that_are_shipped(self) -> None:
        assert PROFILES == (
            "30music",
            "deezer",
            "default",
            "dimensions",
            "lastfm1k",
            "mssd",
            "paper",
            "product44",
            "spotify",
            "yambda",
        )

    @pytest.mark.parametrize(
        ("profile", "features"),
        [
            *[("default", 12), ("paper", 12), ("product44", 44), ("dimensions", 15)],
            *[("mssd", 10), ("30music", 11), ("spotify", 13), ("yambda", 9), ("deezer", 17), ("lastfm1k", 7)],
        ],
    )
    def test_each_is_valid_and_has_its_features(self, profile: str, features: int) -> None:
        config = load_config(None, profile=profile)
        assert len(config.features) == features
        assert {feature.role for feature in config.features} >= {"context", "preference"}
        assert {feature.kind for feature in config.features} == {"categorical", "numeric"}

    def test_the_papers_settings_are_those_of_the_paper(self) -> None:
        paper = load_config(None, profile="paper")
        assert (paper.network.embedding, paper.network.mlp) == (8, (256, 128, 64))
        assert paper.network.hidden in (64, 128, 256)
        assert (paper.training.batch_plays, paper.training.clip_risk) == (4096, True)
        assert (paper.training.attention_steps, paper.training.propensity_steps) == (1, 2)
        assert (paper.training.alternate, paper.training.keep_epoch) == ("pass", "last")
        assert (paper.training.attention_floor, paper.training.propensity_floor) == (0.0, 0.0)
        assert (paper.weights.function, paper.weights.gamma) == ("power", 15.0)
        assert paper.labels.active == ("like", "share", "download", "skip", "dislike")
        assert paper.labels.positive == ("like", "share", "download", "auto_play")
        assert paper.features == load_config(None).features

    def test_the_session_log_has_the_three_reasons_of_active_plays(self) -> None:
        mapped = load_config(None, profile="mssd").feed.feedback_map
        assert {reason for reason, feedback in mapped.items() if feedback != "auto_play"} == {
            *("fwdbtn", "backbtn", "remote"),
        }

    def test_a_backtick_above_the_tables_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a`b").mkdir()
        (tmp_path / "a`b" / "uae.toml").touch()
        with pytest.raises(ConfigError, match=r"paths\.tables = '.*a`b/tables': has a backtick"):
            load_config(tmp_path / "a`b" / "uae.toml")

    def test_an_unknown_one_is_refused_with_those_that_exist(self, tmp_path: Path) -> None:
        allowed = f"allowed are {', '.join(PROFILES)}"
        assert refused(profile="big") == f"profile = 'big': {allowed}"
        (tmp_path / "uae.toml").write_text('profile = "big"')
        assert allowed in refused(path=tmp_path / "uae.toml")


class TestPrecedence:
    def test_an_override_wins_over_the_file_and_the_file_over_the_profile(self, tmp_path: Path) -> None:
        file = tmp_path / "uae.toml"
        file.write_text('profile = "paper"\n[training]\nepochs = 4\nseed = 5\n')
        config = load_config(file, overrides=["training.seed=6", "training.seed=8"])
        assert config.network.hidden == 128  # of the profile that the file names
        assert (config.training.epochs, config.training.seed) == (4, 8)
        assert load_config(file, profile="default").network.hidden == 64  # an argument wins

    def test_tables_merge_but_maps_of_names_and_features_are_replaced(self, tmp_path: Path) -> None:
        file = tmp_path / "uae.toml"
        file.write_text(
            '[feed]\nlate_days = 1\n[feed.feedback_map]\nheart = "like"\n'
            '[[features]]\nname = "genre"\nkind = "categorical"\nrole = "both"\n'
        )
        config = load_config(file, profile="mssd")
        assert (config.feed.format, config.feed.late_days) == ("mssd", 1)
        assert config.feed.feedback_map == {"heart": "like"}
        assert [feature.name for feature in config.features] == ["genre"]

    @pytest.mark.parametrize(
        ("override", "expected"),
        [
            ("training.epochs=3", 3),
            ("training.clip_risk=false", False),
            ("weights.gamma = 2.5", 2.5),
            ("network.mlp=[8, 4]", (8, 4)),
            ("registry.experiment=my experiment", "my experiment"),  # a bare word needs no quotes
            ('registry.experiment="1"', "1"),
            ("feed.columns.user_id=uid", "uid"),
            ("identity.hmac_key_env=A=B", "A=B"),
        ],
    )
    def test_overrides_are_toml_values_or_bare_words(self, override: str, expected: object) -> None:
        value: Any = load_config(None, overrides=[override])
        for name in override.partition("=")[0].strip().split("."):
            value = value[name] if isinstance(value, dict) else getattr(value, name)
        assert value == expected

    @pytest.mark.parametrize("override", ["training.epochs", "=3", "training.=3", ".epochs=3", ""])
    def test_an_override_of_another_form_is_refused(self, override: str) -> None:
        assert refused(override) == f"--set {override!r}: the form is section.key=value"


class TestPaths:
    def test_relative_ones_count_from_the_files_folder(self, tmp_path: Path) -> None:
        file = tmp_path / "uae.toml"
        file.write_text(
            '[paths]\ntables = "out/tables"\nreports = "/var/reports"\nsnapshots = "s3a://bucket/snaps"\n'
        )
        paths = load_config(file).paths
        assert paths.tables == str(tmp_path / "out" / "tables")
        assert paths.reports == "/var/reports"
        assert paths.snapshots == "s3a://bucket/snaps"
        assert paths.feed == str(tmp_path / "feed/dt={date}")
        assert paths.mlflow == f"sqlite:///{tmp_path}/mlflow.db"
        assert paths.hmac_key_file == ""  # not set: stays so

    def test_or_from_the_working_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        assert load_config(None).paths.tables == str(tmp_path / "tables")
        (tmp_path / "uae.toml").touch()
        assert load_config("uae.toml").paths.tables == str(tmp_path / "tables")

    @pytest.mark.parametrize(
        "uri", ["file:/data/tables", "hdfs:/data/tables", "dbfs:/tables", "abfss://a@b/c"]
    )
    def test_uris_stay_as_they_are(self, tmp_path: Path, uri: str) -> None:
        (tmp_path / "uae.toml").touch()
        assert load_config(tmp_path / "uae.toml", overrides=[f"paths.tables={uri}"]).paths.tables == uri

    @pytest.mark.parametrize("uri", ["sqlite:////var/mlflow.db", "https://mlflow.example.org", "databricks"])
    def test_so_do_the_registrys(self, tmp_path: Path, uri: str) -> None:
        (tmp_path / "uae.toml").touch()
        assert load_config(tmp_path / "uae.toml", overrides=[f"paths.mlflow={uri}"]).paths.mlflow == uri

    def test_without_a_folder_they_stay_relative(self) -> None:
        assert parse_config(read_profile("default")).paths.tables == "tables"


class TestMistakes:
    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "nowhere.toml"
        assert refused(path=file) == f"the configuration file {file} does not exist; pass --config FILE"

    def test_a_file_of_another_encoding_or_that_may_not_be_read_is_named(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / "uae.toml"
        file.write_bytes("[paths]\nfeed = 'Zoé'\n".encode("latin-1"))
        assert refused(path=file).startswith(f"{file}: its text is not UTF-8")
        file.write_bytes(b"\xef\xbb\xbf[training]\nseed = 3\n")  # as editors of Windows save it
        assert load_config(file).training.seed == 3

        def refuse(path: Path, encoding: str) -> str:
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "read_text", refuse)
        assert "uae.toml: Permission denied; let this user read it" in refused(path=file)

    def test_broken_toml_is_placed(self, tmp_path: Path) -> None:
        file = tmp_path / "uae.toml"
        file.write_text("[training\nepochs = 3\n")
        assert refused(path=file).startswith(f"{file}: Expected ']'")
        assert "line 1" in refused(path=file)

    def test_all_mistakes_are_told_at_once(self) -> None:
        message = refused("training.epochs=0", "nonsense=1", "weights.gamma=big")
        assert "training.epochs = 0: " in message
        assert "nonsense: no such setting; allowed are paths, identity," in message
        assert "weights.gamma = 'big': " in message
        assert message.count("; ") == 3

    @pytest.mark.parametrize(
        ("override", "line"),
        [
            ("network.hiden=8", "network.hiden: no such setting; did you mean network.hidden?"),
            ("netwrk.hidden=8", "netwrk: no such setting; did you mean network?"),
            ("training.zzz=1", "training.zzz: no such setting; allowed are "),
            ("network.hidden=wide", "network.hidden = 'wide': must be a whole number, as in hidden = 64"),
            ("network.hidden=6.5", "network.hidden = 6.5: must be a whole number, as in hidden = 64"),
            ("weights.gamma=big", "weights.gamma = 'big': must be a number, as in gamma = "),
            ("paths.tables=7", 'paths.tables = 7: must be text in quotes, as in tables = "tables"'),
            ("network.mlp=8", "network.mlp = 8: must be a list in brackets, as in mlp = ["),
            (
                "feed.columns={user='u'}",
                "feed.columns.user: nothing reads a column of this name; did you mean user_id?",
            ),
            (
                "feed.earliest_date=soon",
                "feed.earliest_date = 'soon': must be a day, as in earliest_date = 2000-01-01",
            ),
            (
                "feed.encoding=utf-99",
                "feed.encoding = 'utf-99': is no encoding that Python knows; examples are utf-8, latin-1,",
            ),
            ("feed.columns=x", "feed.columns = 'x': must be a table of its own, as in columns = {}"),
            ("training.clip_risk=perhaps", "training.clip_risk = 'perhaps': must be true or false, as in"),
            ("network=8", "network = 8: must be a table of its own, as in [network]"),
            ("paths.feed='feed/{day}'", "paths.feed = 'feed/{day}': an unknown placeholder"),
            ("paths.feed='feed/{date}/{hour'", "allowed are {date} and {hour}"),
        ],
    )
    def test_a_mistake_says_what_was_meant_or_what_is_allowed(self, override: str, line: str) -> None:
        assert line in refused(override)

    def test_a_bad_feature_or_dimension_goes_by_its_name(self, tmp_path: Path) -> None:
        file = tmp_path / "uae.toml"
        good = '[[features]]\nname = "genre"\nkind = "categorical"\nrole = "both"\n'
        for wrong, line in (
            (
                good + "bukets = 8\n",
                "feature genre: bukets: no such setting; did you mean buckets?",
            ),
            (
                good + 'buckets = "many"\n',
                "feature genre: buckets = 'many': must be a whole number, as in buckets =",
            ),
            (good + 'source = "play.x"\n', "feature genre: source = 'play.x': allowed: feed."),
            ('[[features]]\nkind = "numeric"\nrole = "both"\n', "feature number 1: name: must be set"),
            (
                good + '[[dimensions]]\nentity = "song"\nfeed = "s/{month}"\nattributes = {a = "numeric"}\n',
                "dimension song: feed = 's/{month}': an unknown placeholder",
            ),
        ):
            file.write_text(wrong)
            assert line in refused(path=file)

    def test_a_feature_without_its_kind_is_placed(self, tmp_path: Path) -> None:
        file = tmp_path / "uae.toml"
        file.write_text('[[features]]\nname = "genre"\nrole = "both"\n')
        assert refused(path=file) == "feature genre: kind: must be set"
        with pytest.raises(ConfigError, match="features: must be set"):
            parse_config({})
