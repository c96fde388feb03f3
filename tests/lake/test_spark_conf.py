"""The files of spark_conf/ and how scripts/submit.sh lays them over one another for spark-submit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyspark
import pytest
from pyspark.sql import SparkSession

from uae_model.lake.spark import SPARK_CONF_FOLDER, check_settings, read_spark_conf

ROOT = Path(__file__).parents[2]
FILES = sorted(file.name for file in SPARK_CONF_FOLDER.iterdir())
CLUSTERS = ("standalone", "yarn", "kubernetes")
SHARED = ("common", "cluster", "elastic", "packed")
"""Files that several kinds of session are laid over."""
JOBS = ("nightly", "score", "train", "ingest", "backfill")
GOOD_SECRET = "0123456789abcdef" * 2
WITHOUT_ENTRY = ("spark.master", "spark.executorEnv.", "spark.hadoop.parquet.")
"""Settings that Spark reads, or hands on, without having declared them, by their beginnings."""


@pytest.fixture(scope="module")
def known_settings(spark: SparkSession) -> Any:
    """Return a function that tells whether this Spark declares a setting."""
    jvm: Any = spark._jvm
    for holder in ("internal.config.package$", "deploy.k8s.Config$", "deploy.yarn.config.package$"):
        jvm.java.lang.Class.forName(f"org.apache.spark.{holder}")  # declares its settings as it loads
    jvm.org.apache.spark.sql.delta.sources.DeltaSQLConf.DELTA_SNAPSHOT_PARTITIONS()
    entries = jvm.org.apache.spark.internal.config.ConfigEntry
    # These declare nothing: one asks for its settings by their names, the other lists their defaults.
    asked = _in_a_jar("spark-network-common_*", "org/apache/spark/network/util/TransportConf.class")
    of_hadoop = _in_a_jar("hadoop-client-api-*", "core-default.xml")
    return lambda key: (
        entries.findEntry(key) is not None
        or _text_constant(key) in asked
        or f"<name>{key.removeprefix('spark.hadoop.')}</name>".encode() in of_hadoop
    )


def _in_a_jar(jars: str, name: str) -> bytes:
    (found,) = (Path(pyspark.__file__).parent / "jars").glob(f"{jars}.jar")
    with zipfile.ZipFile(found) as jar:
        return jar.read(name)


def _text_constant(text: str) -> bytes:
    """Return a text as it stands in a class file: after its kind (1) and its length."""
    return b"\1" + len(text).to_bytes(2, "big") + text.encode()


class TestFiles:
    @pytest.mark.parametrize("name", FILES)
    def test_each_loads_and_sets_nothing_twice(self, name: str) -> None:
        file = SPARK_CONF_FOLDER / name
        assert read_spark_conf(file)
        lines = [line.split()[0] for line in file.read_text().splitlines() if line and line[0] != "#"]
        assert [key for key, times in Counter(lines).items() if times > 1] == []

    @pytest.mark.parametrize("name", FILES)
    def test_spark_knows_every_setting(self, known_settings: Any, name: str) -> None:
        unknown = [key for key in read_spark_conf(SPARK_CONF_FOLDER / name) if not known_settings(key)]
        assert [key for key in unknown if not key.startswith(WITHOUT_ENTRY)] == []

    def test_a_misspelt_setting_would_be_found(self, known_settings: Any) -> None:
        assert known_settings("spark.executor.memory")
        for wrong in (
            "spark.executor.memry",
            "spark.sql.shufle.partitions",
            "spark.yarn.que",
            "spark.databricks.delta.a",
            "spark.network.crypto.ciphe",
            "spark.hadoop.fs.s3a.path.style.acces",
        ):
            assert not known_settings(wrong)

    def test_no_two_files_say_the_same(self) -> None:
        said = [set(read_spark_conf(SPARK_CONF_FOLDER / name).items()) for name in FILES]
        times = Counter(setting for settings in said for setting in settings)
        assert [setting for setting, count in times.items() if count > 1] == []

    def test_all_others_are_named_after_a_job(self) -> None:
        others = {Path(name).stem for name in FILES} - {"local", "small", "s3", "secure", *CLUSTERS, *SHARED}
        assert others
        assert others <= {file.stem for file in (ROOT / "jobs").glob("*.py")}

    @pytest.mark.parametrize("kind", ["standalone", "yarn"])
    def test_what_is_sent_is_what_package_makes(self, project: Project, kind: str) -> None:
        assert project.run(kind, "score").returncode == 0
        settings = project.settings()
        packaging = (ROOT / "scripts" / "package.sh").read_text()
        sent = [value.split("#")[0] for value in settings.values() if value.startswith("dist/")]
        assert len(sent) == 3
        for path in sent:
            assert path.removesuffix("/*.jar") in packaging


def secret_file(folder: Path, text: str = GOOD_SECRET, mode: int = 0o600) -> Path:
    """Write a secret as an operator does."""
    file = folder / "spark.secret"
    file.write_text(f"{text}\n")
    file.chmod(mode)
    return file


def settings_of(*names: str) -> dict[str, str]:
    """Return the settings of files of spark_conf/, a later one over those before."""
    return {k: v for name in names for k, v in read_spark_conf(SPARK_CONF_FOLDER / f"{name}.conf").items()}


class Project:
    """A copy of submit.sh and the profiles, with a spark-submit that writes down how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.spark = folder / "spark"
        shutil.copytree(SPARK_CONF_FOLDER, self.folder / "spark_conf")
        (self.folder / "uae_model" / "weights").mkdir(parents=True)
        (self.folder / "uae_model" / "__init__.py").write_text('__version__ = "7.8.9"\n')
        (self.folder / "scripts").mkdir()
        shutil.copy2(ROOT / "scripts" / "submit.sh", self.folder / "scripts")
        for job in JOBS:
            self.program(self.folder / "jobs" / f"{job}.py", "")
        self.program(self.folder / ".venv" / "bin" / "python", f"echo {self.spark}\n")
        self.program(self.folder / ".venv" / "bin" / "spark-submit", "exit 70\n")
        self.program(self.folder / "scripts" / "package.sh", 'echo package "$@" >> calls\n')
        self.submits("exit 0")
        (self.folder / "dist").mkdir()
        (self.folder / "dist" / "environment.tar.gz").touch()

    def program(self, file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/bash\n{text}")
        file.chmod(0o755)

    def submits(self, ending: str) -> None:
        told = 'echo "$SPARK_HOME" > home; printf "%s\\n" "$@" > arguments; '
        seen = 'cp "$2" seen.conf; stat -c %a "$2" > seen.mode; '
        self.program(self.spark / "bin" / "spark-submit", f"{seen}{told}{ending}\n")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.folder / "scripts" / "submit.sh"), *arguments],
            env={"PATH": os.environ["PATH"], "TMPDIR": str(self.folder.parent), **environment},
            cwd="/",  # it finds its own folder
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def arguments(self) -> list[str]:
        return (self.folder / "arguments").read_text().splitlines()

    def settings(self) -> dict[str, str]:
        return read_spark_conf(self.folder / "seen.conf")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


class TestPackage:
    """The code alone: what it costs to pack an environment, the tests of the cluster pay."""

    @pytest.fixture
    def project(self, project: Project) -> Project:
        shutil.copy2(ROOT / "scripts" / "package.sh", project.folder / "scripts")
        project.program(project.folder / ".venv" / "bin" / "python", f'exec {sys.executable} "$@"\n')
        (project.folder / "uae_model" / "weights" / "columns.py").write_text("old")
        return project

    def pack(self, project: Project, what: str = "code") -> subprocess.CompletedProcess[str]:
        command = [str(project.folder / "scripts" / "package.sh"), what]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_it_follows_every_change_and_nothing_else(self, project: Project) -> None:
        archive = project.folder / "dist" / "uae.zip"
        assert self.pack(project).returncode == 0
        first = archive.stat().st_mtime_ns, archive.read_bytes()
        assert self.pack(project).returncode == 0
        assert (archive.stat().st_mtime_ns, archive.read_bytes()) == first
        (project.folder / "uae_model" / "weights" / "columns.py").write_text("new")
        assert self.pack(project).returncode == 0
        with zipfile.ZipFile(archive) as content:
            assert content.read("uae_model/weights/columns.py") == b"new"
            assert sorted(content.namelist()) == [
                *[f"jobs/{job}.py" for job in sorted(JOBS)],
                "uae_model/__init__.py",
                "uae_model/weights/columns.py",
            ]
        left = {file.name for file in archive.parent.iterdir()}
        assert left == {"environment.tar.gz", "uae.zip", ".stamp-uae.zip"}

    def test_another_word_is_refused(self, project: Project) -> None:
        done = self.pack(project, "with-tensorflow")
        assert done.returncode == 1
        assert done.stderr == "package: 'with-tensorflow' is not with-torch, without-torch or code\n"


class TestSubmit:
    @pytest.mark.parametrize(
        ("kind", "program"),
        [
            ("standalone", "jobs/nightly.py"),
            ("yarn", "jobs/nightly.py"),
            ("kubernetes", "local:///opt/uae/jobs/nightly.py"),
        ],
    )
    def test_the_command(self, project: Project, kind: str, program: str) -> None:
        done = project.run(kind, "nightly", "--config", "my file.toml", "--date", "2026-01-13")
        assert (done.returncode, done.stderr) == (0, "")
        option, file, *rest = project.arguments()
        assert option == "--properties-file"
        assert rest == [program, "--config", "my file.toml", "--date", "2026-01-13"]
        assert not Path(file).exists()  # the site's credentials may have been in it
        # Spark of the environment, whatever SPARK_HOME the machine sets.
        assert (project.folder / "home").read_text().strip() == str(project.spark)

    @pytest.mark.parametrize(
        ("kind", "packed"), [("standalone", True), ("yarn", True), ("kubernetes", False)]
    )
    def test_executors_get_the_code_of_now(self, project: Project, kind: str, packed: bool) -> None:
        assert project.run(kind, "nightly").returncode == 0
        calls = project.folder / "calls"
        assert calls.exists() is packed
        assert not packed or calls.read_text() == "package code\n"

    def test_later_files_win(self, project: Project, tmp_path: Path) -> None:
        site = tmp_path / "site.conf"
        site.write_text("spark.master spark://host:7077\nspark.sql.shuffle.partitions 7")
        assert project.run("standalone", "nightly", UAE_SITE_CONF=str(site)).returncode == 0
        assert project.settings() == {
            **settings_of("common", "cluster", "packed", "standalone", "ingest", "sessions"),
            **read_spark_conf(site),
        }

    @pytest.mark.parametrize(
        ("kind", "job", "layers"),
        [
            ("standalone", "score", "common cluster packed standalone"),
            ("yarn", "score", "common cluster elastic packed yarn"),
            ("yarn", "train", "common cluster elastic packed yarn train"),
            ("standalone", "ingest", "common cluster packed standalone ingest"),
            ("yarn", "backfill", "common cluster elastic packed yarn ingest sessions"),
        ],
    )
    def test_the_layers(self, project: Project, kind: str, job: str, layers: str) -> None:
        assert project.run(kind, job).returncode == 0
        assert project.settings() == settings_of(*layers.split())

    def test_the_image_is_that_of_this_version_unless_the_site_names_another(
        self, project: Project, tmp_path: Path
    ) -> None:
        layers = settings_of("common", "cluster", "elastic", "kubernetes")
        image = "spark.kubernetes.container.image"
        assert project.run("kubernetes", "score").returncode == 0
        assert project.settings() == {**layers, image: "uae:7.8.9"}
        site = tmp_path / "site.conf"
        site.write_text(f"{image} registry/uae:7.8.9")
        assert project.run("kubernetes", "score", UAE_SITE_CONF=str(site)).returncode == 0
        assert project.settings() == {**layers, image: "registry/uae:7.8.9"}

    @pytest.mark.parametrize("kind", CLUSTERS)
    def test_each_kind_is_enough_for_right_tables(self, project: Project, kind: str) -> None:
        assert project.run(kind, "nightly").returncode == 0
        get = project.settings().get
        check_settings(SimpleNamespace(conf=SimpleNamespace(get=get)))  # type: ignore[arg-type]

    def test_the_jobs_failure_is_its_own(self, project: Project) -> None:
        project.submits("exit 3")
        assert project.run("standalone", "nightly").returncode == 3

    @pytest.mark.parametrize(
        ("arguments", "gone", "message"),
        [
            (("standalone",), "", "usage: scripts/submit.sh standalone|yarn|kubernetes JOB"),
            (("mesos", "nightly"), "", "no cluster kind is called 'mesos'"),
            (("yarn", "nightli"), "", "jobs/nightli.py does not exist"),
            (("yarn", "nightly"), ".venv/bin/spark-submit", ".venv has no Spark; run 'make setup' first"),
            (("yarn", "nightly"), "dist/environment.tar.gz", "does not exist; run 'make package' first"),
        ],
    )
    def test_what_is_missing_is_told_in_one_line(
        self, project: Project, arguments: tuple[str, ...], gone: str, message: str
    ) -> None:
        if gone:
            (project.folder / gone).unlink()
        done = project.run(*arguments)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("submit: ")
        assert message in line
        assert not (project.folder / "arguments").exists()

    def test_a_secured_standalone_cluster_gets_its_secret_in_the_file_alone(
        self, project: Project, tmp_path: Path
    ) -> None:
        site, file = tmp_path / "site.conf", secret_file(tmp_path)
        site.write_text("spark.master spark://host:7077")  # its last line may lack an end
        secure = {"UAE_SECURE": "1", "UAE_SPARK_SECRET_FILE": str(file), "UAE_SITE_CONF": str(site)}
        assert project.run("standalone", "score", **secure).returncode == 0
        assert project.settings() == {
            **settings_of("common", "cluster", "packed", "standalone", "secure"),
            **read_spark_conf(site),
            "spark.authenticate.secret": GOOD_SECRET,
        }
        assert GOOD_SECRET not in "".join(project.arguments())
        assert (project.folder / "seen.mode").read_text() == "600\n"

    @pytest.mark.parametrize("kind", ["yarn", "kubernetes"])
    def test_elsewhere_spark_makes_the_secret_itself(self, project: Project, kind: str) -> None:
        assert project.run(kind, "nightly", UAE_SECURE="1").returncode == 0
        settings = project.settings()
        assert settings.items() >= settings_of("secure").items()
        assert "spark.authenticate.secret" not in settings

    @pytest.mark.parametrize(
        ("text", "mode", "message"),
        [
            (None, 0o600, "needs UAE_SPARK_SECRET_FILE, the file with its secret"),
            (GOOD_SECRET, 0o640, "others may read"),
            (GOOD_SECRET[:31], 0o600, "a secret is one line of 32 signs or more"),
            (f"{GOOD_SECRET}\n{GOOD_SECRET}", 0o600, "a secret is one line of 32 signs or more"),
        ],
    )
    def test_a_secret_that_protects_nothing_is_refused(
        self, project: Project, tmp_path: Path, text: str | None, mode: int, message: str
    ) -> None:
        named = {} if text is None else {"UAE_SPARK_SECRET_FILE": str(secret_file(tmp_path, text, mode))}
        done = project.run("standalone", "nightly", UAE_SECURE="1", **named)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.startswith("submit: ")
        assert message in line
        assert not (project.folder / "arguments").exists()

    def test_a_switch_that_says_neither_is_refused(self, project: Project) -> None:
        done = project.run("yarn", "nightly", UAE_SECURE="yes")
        assert (done.returncode, done.stderr) == (2, "submit: UAE_SECURE = 'yes'; it is 1 or 0\n")

    def test_a_site_file_that_is_gone_is_told(self, project: Project) -> None:
        done = project.run("yarn", "nightly", UAE_SITE_CONF="nowhere.conf")
        assert (done.returncode, done.stderr) == (
            2,
            "submit: UAE_SITE_CONF names nowhere.conf, which does not exist\n",
        )

    def test_kubernetes_needs_nothing_packed(self, project: Project) -> None:
        (project.folder / "dist" / "environment.tar.gz").unlink()
        assert project.run("kubernetes", "nightly").returncode == 0
