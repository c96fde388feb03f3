"""The Dockerfile names files that exist and the pins; the entry point starts what Spark asks for."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from tests.docs.pages import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text())
INSTRUCTIONS = [tuple(line.split(None, 1)) for line in DOCKERFILE.splitlines() if line and line[0] != "#"]
ENTRYPOINT = DEPLOY / "entrypoint.sh"


def arguments(name: str) -> list[str]:
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name]


def copied() -> list[str]:
    sources = [rest.split() for rest in arguments("COPY")]
    return [part for parts in sources for part in parts[:-1] if not part.startswith("--")]


def test_what_is_copied_exists_and_is_let_through() -> None:
    assert set(copied()) >= {"requirements.txt", "pyproject.toml", "uae_model", "jobs", "scripts/submit.sh"}
    assert all((ROOT / source).exists() for source in copied())
    let_through = [
        line.removeprefix("!")
        for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    assert sorted(let_through) == sorted(copied())


def test_python_is_the_projects_and_packages_are_its_pins() -> None:
    (base,) = arguments("FROM")
    version = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", base)
    assert version
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"{version[1]}.0" in SpecifierSet(project["requires-python"])
    assert f"/python{version[1]}/" in DOCKERFILE
    installs = [command for run in arguments("RUN") for command in re.findall(r"pip install [^&]*", run)]
    assert len(installs) == 2
    assert "--require-hashes --no-deps -r requirements.txt" in installs[0]
    assert "--no-deps --no-build-isolation --editable ." in installs[1], (
        "the project itself brings no package"
    )


def test_it_lies_where_submit_looks_and_is_no_root() -> None:
    assert arguments("WORKDIR") == ["/opt/uae"]
    assert "local:///opt/uae/" in (ROOT / "scripts" / "submit.sh").read_text()
    assert arguments("USER") == ["185"]
    assert arguments("ENTRYPOINT") == ['["/opt/entrypoint.sh"]']
    assert os.access(ENTRYPOINT, os.X_OK)


def test_who_names_the_dockerfile_names_this_one() -> None:
    for name in ("scripts/submit.sh", "spark_conf/kubernetes.conf", "deploy/Dockerfile"):
        assert "deploy/Dockerfile" in (ROOT / name).read_text(), name


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Stand in for tini, Java and spark-submit: each prints its arguments, one a line."""
    for program in ("bin/tini", "java/bin/java", "spark/bin/spark-submit", "bin/uae"):
        file = tmp_path / program
        file.parent.mkdir(parents=True, exist_ok=True)
        name = file.name
        run_rest = 'shift 2; exec "$@"' if name == "tini" else f'printf "%s\\n" {name} "$@"'
        file.write_text(f"#!/bin/bash\n{run_rest}\n")
        file.chmod(0o755)
    return {
        "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
        "JAVA_HOME": str(tmp_path / "java"),
        "SPARK_HOME": str(tmp_path / "spark"),
    }


def start(environment: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ENTRYPOINT, *command], env=environment, capture_output=True, text=True, timeout=20, check=False
    )


def test_a_driver(machine: dict[str, str]) -> None:
    told = start({**machine, "SPARK_DRIVER_BIND_ADDRESS": "10.0.0.1"}, "driver", "--class", "X", "a b")
    assert told.stdout.splitlines() == [
        *("spark-submit", "--conf", "spark.driver.bindAddress=10.0.0.1", "--deploy-mode", "client"),
        *("--class", "X", "a b"),
    ]


def test_an_executor(machine: dict[str, str]) -> None:
    said = {
        **{f"SPARK_JAVA_OPT_{number}": f"-Dx={number} y" for number in (0, 2, 10)},
        **{"SPARK_EXECUTOR_MEMORY": "4g", "SPARK_DRIVER_URL": "spark://d:7078", "SPARK_EXECUTOR_ID": "1"},
        **{"SPARK_EXECUTOR_CORES": "2", "SPARK_APPLICATION_ID": "app", "SPARK_EXECUTOR_POD_IP": "10.0.0.2"},
        **{"SPARK_RESOURCE_PROFILE_ID": "0", "SPARK_EXECUTOR_POD_NAME": "pod"},
    }
    told = start({**machine, **said}, "executor").stdout.splitlines()
    assert told[:6] == ["java", "-Dx=0 y", "-Dx=2 y", "-Dx=10 y", "-Xms4g", "-Xmx4g"]
    assert told[told.index("-cp") + 1].endswith("/spark/jars/*")
    backend = told.index("org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend")
    pairs = dict(zip(told[backend + 1 :: 2], told[backend + 2 :: 2], strict=True))
    assert pairs["--driver-url"] == "spark://d:7078"
    assert pairs["--podName"] == "pod"
    more = start({**machine, **said, "SPARK_CLASSPATH": "/x.jar", "HADOOP_CONF_DIR": "/h"}, "executor")
    assert (
        f"/x.jar:/h:{machine['SPARK_HOME']}/conf:{machine['SPARK_HOME']}/jars/*" in more.stdout.splitlines()
    )
    without = {name: value for name, value in said.items() if name != "SPARK_DRIVER_URL"}
    failed = start({**machine, **without}, "executor")
    assert failed.returncode != 0
    assert "SPARK_DRIVER_URL" in failed.stderr


def test_any_other_command(machine: dict[str, str]) -> None:
    assert start(machine, "uae", "nightly", "--date", "2026-01-13").stdout.split() == [
        *("uae", "nightly", "--date", "2026-01-13"),
    ]
