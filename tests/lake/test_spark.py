"""Spark's settings: read from files, refused where tables would come out wrong."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import socket
import socketserver
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyspark
import pytest
from pyspark.accumulators import AccumulatorServer
from pyspark.sql import SparkSession

from tests.conftest import TEST_SPARK_CONF
from uae_model.core.errors import ConfigError
from uae_model.core.logs import configure_logs
from uae_model.core.scratch import scratch_folder
from uae_model.lake import jars as spark_jars
from uae_model.lake import spark as module
from uae_model.lake.spark import (
    REQUIRED_SETTINGS,
    SPARK_CONF_FOLDER,
    check_settings,
    layered_settings,
    read_spark_conf,
    start_spark,
)


class TestFiles:
    def test_keys_and_values_are_split_at_the_first_space(self, tmp_path: Path) -> None:
        file = tmp_path / "a.conf"
        file.write_text(
            "# a comment\n\n  spark.a   1  \nspark.b\t-Xmx2g -XX:+UseSerialGC # no comment\nspark.a 2\n"
        )
        assert read_spark_conf(file) == {"spark.a": "2", "spark.b": "-Xmx2g -XX:+UseSerialGC # no comment"}

    def test_a_line_without_a_value_is_placed(self, tmp_path: Path) -> None:
        file = tmp_path / "a.conf"
        file.write_text("spark.a 1\nspark.b\n")
        with pytest.raises(ConfigError, match=r"a.conf:2: 'spark.b' has no value; the form is: key value"):
            read_spark_conf(file)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(
            ConfigError, match=r"configuration .*nowhere.conf does not exist; pass --spark-conf FILE"
        ):
            read_spark_conf(tmp_path / "nowhere.conf")

    def test_every_file_is_laid_over_the_common_one(self, tmp_path: Path) -> None:
        file = tmp_path / "mine.conf"
        file.write_text("spark.driver.memory 7g\n")
        common = layered_settings([])
        assert common["spark.driver.memory"] == "4g"
        assert layered_settings([file]) == {**common, "spark.driver.memory": "7g"}

    def test_the_local_settings_are_enough_for_right_tables(self) -> None:
        settings = layered_settings([SPARK_CONF_FOLDER / "local.conf"])
        check_settings(FakeSession(settings))  # type: ignore[arg-type]

    def test_many_features_can_be_planned(self) -> None:
        assert layered_settings([])["spark.sql.constraintPropagation.enabled"] == "false"


class FakeSession:
    def __init__(self, settings: dict[str, str]) -> None:
        self.conf = SimpleNamespace(get=settings.get)
        self.sparkContext = SimpleNamespace(setLogLevel=lambda level: None)


class TestCheck:
    @pytest.mark.parametrize("key", REQUIRED_SETTINGS)
    @pytest.mark.parametrize("value", [None, "Europe/Berlin"])
    def test_a_missing_or_wrong_setting_is_told_with_the_right_one(self, key: str, value: str | None) -> None:
        settings = {**REQUIRED_SETTINGS, key: value}
        with pytest.raises(ConfigError) as failure:
            check_settings(FakeSession(settings))  # type: ignore[arg-type]
        expected = REQUIRED_SETTINGS[key]
        assert (
            str(failure.value) == f"{key} = {value!r}: must be {expected!r}; start from a file of spark_conf/"
        )

    def test_other_extensions_may_stand_beside_deltas(self) -> None:
        key = "spark.sql.extensions"
        settings = {**REQUIRED_SETTINGS, key: f"org.example.Other,{REQUIRED_SETTINGS[key]}"}
        check_settings(FakeSession(settings))  # type: ignore[arg-type]

    def test_the_session_of_the_tests_passes(self, spark: SparkSession) -> None:
        check_settings(spark)
        assert spark.conf.get("spark.sql.shuffle.partitions") == "2"  # the later file won


class FakeBuilder:
    """Remembers what a session would have been built from."""

    def __init__(self, settings: dict[str, str]) -> None:
        self.settings = settings

    def appName(self, name: str) -> FakeBuilder:  # noqa: N802
        self.settings["name"] = name
        return self

    master = appName

    def config(self, key: str, value: str) -> FakeBuilder:
        self.settings[key] = value
        return self

    def getOrCreate(self) -> Any:  # noqa: N802
        return FakeSession(self.settings)


class TestStart:
    @pytest.fixture
    def built(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        settings: dict[str, str] = {}
        monkeypatch.setattr(module, "SparkSession", SimpleNamespace(builder=FakeBuilder(settings)))
        monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
        monkeypatch.delenv("PYSPARK_PYTHON", raising=False)
        return settings

    def start(self, *files: Path) -> None:
        start_spark("train", files)

    def test_the_jars_of_s3_are_for_sessions_that_speak_of_it(
        self, built: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        folder = tmp_path / "s3-jars"
        monkeypatch.setattr(module, "s3_jar_folder", lambda: folder)
        local, s3 = (SPARK_CONF_FOLDER / f"{name}.conf" for name in ("local", "s3"))
        self.start(local)
        assert module.DRIVER_CLASS_PATH not in built
        with pytest.raises(
            ConfigError, match=r"the jars of S3 are not in .*s3-jars; `make object-storage-jars` fetches"
        ):
            self.start(local, s3)
        folder.mkdir()
        self.start(local, s3)
        # Spark's own come first: Amazon's jar brings an older SLF4J.
        assert built[module.DRIVER_CLASS_PATH] == f"{Path(pyspark.__file__).parent}/jars/*:{folder}/*"

    def test_jars_of_s3_that_the_settings_name_are_taken(
        self, built: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(module, "s3_jar_folder", lambda: tmp_path / "nowhere")
        own = tmp_path / "own.conf"
        own.write_text("spark.jars.packages org.example:all:1\n")
        self.start(SPARK_CONF_FOLDER / "s3.conf", own)
        assert module.DRIVER_CLASS_PATH not in built

    def test_a_local_run_takes_the_local_profile_and_this_python(
        self, built: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.start()
        assert built["name"] == "uae-train"
        assert built["spark.master"] == "local[*,4]"
        assert sys.executable == os.environ["PYSPARK_PYTHON"]
        monkeypatch.delenv("PYSPARK_PYTHON")

    def test_later_files_win(self, built: dict[str, str]) -> None:
        self.start(SPARK_CONF_FOLDER / "local.conf", TEST_SPARK_CONF)
        assert built["spark.master"] == "local[2,4]"
        assert built["spark.ui.enabled"] == "false"

    def test_temporary_files_lie_in_folders_of_this_process(
        self, built: dict[str, str], tmp_path: Path
    ) -> None:
        self.start()
        assert built["spark.local.dir"] == str(scratch_folder())
        options = f'-XX:+UseSerialGC "-Djava.io.tmpdir={scratch_folder()}"'
        assert built["spark.driver.extraJavaOptions"].endswith(options)
        (tmp_path / "disks.conf").write_text(f"spark.local.dir {tmp_path}/a, {tmp_path}/b\n")
        self.start(tmp_path / "disks.conf")
        folders = [Path(folder) for folder in built["spark.local.dir"].split(",")]
        assert [folder.parent.parent for folder in folders] == [tmp_path / "a", tmp_path / "b"]
        assert all(folder.is_dir() for folder in folders)

    def test_java_starts_with_the_archive_of_set_up_unless_the_settings_name_one(
        self, built: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        archive = tmp_path / "classes.jsa"
        monkeypatch.setattr(module, "archive_file", lambda: archive)
        self.start()
        assert "Archive" not in built["spark.driver.extraJavaOptions"]
        archive.touch()
        self.start()
        assert built["spark.driver.extraJavaOptions"].startswith(f'"-XX:SharedArchiveFile={archive}" -Xlog:')
        own = "-XX:SharedArchiveFile=/own.jsa"
        (tmp_path / "own.conf").write_text(f"spark.driver.extraJavaOptions {own}\n")
        self.start(tmp_path / "own.conf")
        assert built["spark.driver.extraJavaOptions"].startswith(f'{own} "-Djava.io.tmpdir')

    def test_executors_elsewhere_keep_their_own_folders(self, built: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "far.conf").write_text("spark.master spark://far:7077\nspark.local.dir /scratch\n")
        self.start(tmp_path / "far.conf")
        assert built["spark.local.dir"] == "/scratch"

    @pytest.mark.parametrize(
        "key",
        ["spark.authenticate.secret", "spark.hadoop.fs.s3a.secret.key", "spark.ssl.rpc.keyStorePassword"],
    )
    def test_a_secret_gets_on_no_command_line(self, built: dict[str, str], tmp_path: Path, key: str) -> None:
        file = tmp_path / "mine.conf"
        file.write_text(f"{key} hush\n")
        with pytest.raises(
            ConfigError, match=f"--spark-conf: {key} would stand on a command line"
        ) as failure:
            self.start(file)
        assert "hush" not in str(failure.value)
        assert built == {"name": "uae-train"}

    def test_authentication_needs_no_secret_on_one_machine(self, built: dict[str, str]) -> None:
        self.start(SPARK_CONF_FOLDER / "local.conf", SPARK_CONF_FOLDER / "secure.conf")
        assert (built["spark.master"], built["spark.authenticate"]) == ("local[*,4]", "true")

    def test_settings_for_small_days_lie_over_those_of_one_machine(self, built: dict[str, str]) -> None:
        self.start(SPARK_CONF_FOLDER / "local.conf", SPARK_CONF_FOLDER / "small.conf")
        assert (built["spark.master"], built["spark.sql.shuffle.partitions"]) == ("local[*,4]", "2")
        assert "-XX:TieredStopAtLevel=1" in built["spark.driver.extraJavaOptions"]

    def test_under_spark_submit_the_settings_are_there_already(
        self, built: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYSPARK_GATEWAY_PORT", "1")
        with pytest.raises(ConfigError, match="give spark-submit a --properties-file"):
            self.start(TEST_SPARK_CONF)
        with pytest.raises(ConfigError, match="must be"):
            self.start()  # submitted without one of the project's files
        built.update(REQUIRED_SETTINGS)
        self.start()
        assert "spark.master" not in built

    @pytest.mark.parametrize(
        ("lines", "jars", "expected"),
        [
            ("", ["b.jar", "a.jar"], {"spark.jars": "a.jar,b.jar"}),
            (
                "",
                [],
                {
                    "spark.jars.packages": spark_jars.delta_package(),
                    "spark.jars.excludes": spark_jars.DELTA_EXCLUDES,
                },
            ),
            ("spark.jars mine.jar\n", ["a.jar"], {"spark.jars": "mine.jar"}),
            ("spark.jars.packages x:y:1\n", ["a.jar"], {"spark.jars.packages": "x:y:1"}),
        ],
    )
    def test_the_delta_jars_come_from_set_up_unless_told_otherwise(
        self,
        built: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
        lines: str,
        jars: Sequence[str],
        expected: dict[str, str],
    ) -> None:
        for jar in jars:
            (tmp_path / jar).touch()
        (tmp_path / "notes.txt").touch()
        monkeypatch.setattr(spark_jars, "jar_folder", lambda: tmp_path)
        (tmp_path / "extra.conf").write_text(lines)
        self.start(SPARK_CONF_FOLDER / "local.conf", tmp_path / "extra.conf")
        settings = {
            key: value.replace(f"{tmp_path}/", "") for key, value in built.items() if "spark.jars" in key
        }
        assert settings == expected


class TestJars:
    def test_delta_is_that_of_the_installed_packages(self) -> None:
        spark = ".".join(pyspark.__version__.split(".")[:2])
        version = importlib.metadata.version("delta-spark")
        assert spark_jars.delta_package() == f"io.delta:delta-spark_{spark}_2.13:{version}"
        # The Scala version is that of the jars that PySpark ships.
        jars = Path(pyspark.__file__).parent / "jars"
        assert list(jars.glob(f"spark-core_{spark_jars.SCALA_VERSION}-*.jar"))

    def test_s3_is_that_of_the_hadoop_that_spark_brings(self, monkeypatch: pytest.MonkeyPatch) -> None:
        group, name, version = spark_jars.s3_package().split(":")
        assert (group, name) == ("org.apache.hadoop", "hadoop-aws")
        jars = Path(pyspark.__file__).parent / "jars"
        assert (jars / f"hadoop-client-runtime-{version}.jar").is_file()
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(ConfigError, match="this pyspark brings no Hadoop"):
            spark_jars.s3_package()

    @pytest.mark.parametrize("name", ["delta", "s3"])
    def test_they_are_resolved_into_the_environment_and_nothing_else_is_left(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
    ) -> None:
        settings: dict[str, str] = {}

        class Resolving(FakeBuilder):
            def getOrCreate(self) -> Any:  # noqa: N802
                jars = Path(settings["spark.jars.ivy"]) / "jars"
                jars.mkdir(parents=True)
                for name in ("delta.jar", "antlr.jar", "delta.jar.sha1"):
                    (jars / name).write_text(name)
                return SimpleNamespace(stop=lambda: settings.update(stopped="yes"))

        session = SimpleNamespace(builder=Resolving(settings))
        monkeypatch.setattr("pyspark.sql.SparkSession", session)
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        folder, package = {
            "delta": (spark_jars.jar_folder(), spark_jars.delta_package()),
            "s3": (spark_jars.s3_jar_folder(), spark_jars.s3_package()),
        }[name]
        assert not folder.exists()
        spark_jars.main([name])
        assert sorted(jar.name for jar in folder.glob("*.jar")) == ["antlr.jar", "delta.jar"]
        assert settings["spark.jars.packages"] == package
        assert settings["stopped"] == "yes"
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]
        assert (spark_jars.resolved_jars() != []) == (name == "delta")

    def test_those_of_s3_are_fetched_once(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(sys, "prefix", str(tmp_path))
        jar = spark_jars.s3_jar_folder() / "hadoop-aws.jar"
        jar.parent.mkdir(parents=True)
        jar.touch()
        assert spark_jars.resolve_s3() == [jar]


def test_a_connection_of_java_that_breaks_off_is_an_event_and_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class BreaksOff(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            raise EOFError

    monkeypatch.setattr(AccumulatorServer, "handle_error", module.tell_broken_connection)
    configure_logs()
    with AccumulatorServer(("127.0.0.1", 0), BreaksOff, "token") as server:
        socket.create_connection(("127.0.0.1", int(server.server_address[1]))).close()
        server.handle_request()
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["level"], told["error"]) == ("warning", "EOFError")
