"""Checks of the machine: Java, Python, packages, Delta jars, GPU. They need no configuration."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from uae_model.doctor.finding import Finding, failed, ok, warning
from uae_model.lake import jars as spark_jars

JAVA_VERSIONS = ("17", "21")
JAVA_FIX = "install Java 17 (Debian: apt-get install openjdk-17-jre-headless) and set JAVA_HOME to it"
PYTHON_VERSION = (3, 11)
PINNED_TOGETHER = ("pyspark", "delta-spark", "pyarrow", "petastorm", "torch", "mlflow")
"""Packages that work together only in the pinned versions."""

SETUP_FIX = "run scripts/setup.sh (make demo and make test do)"


def check_machine() -> list[Finding]:
    """Return the findings about this machine."""
    return [
        check_java(os.environ),
        check_python(sys.version_info[:3]),
        *check_packages(),
        check_jars(),
        check_gpu(),
    ]


def check_java(environment: Mapping[str, str]) -> Finding:
    """Check that the Java which Spark will start is one that it runs on."""
    home = environment.get("JAVA_HOME", "")
    wanted = f"{home}/bin/java" if home else "java"
    java = shutil.which(wanted, path=environment.get("PATH", ""))
    if java is None:
        return failed("java", f"not found (looked for {wanted})", JAVA_FIX)
    try:
        asked = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return failed("java", f"{java} does not start: {error}", JAVA_FIX)
    match = re.search(r'version "([^"]*)"', asked.stdout + asked.stderr)
    if asked.returncode != 0 or match is None:
        return failed("java", f"{java} does not tell its version (exit code {asked.returncode})", JAVA_FIX)
    version = match.group(1)
    if version.split(".")[0] not in JAVA_VERSIONS:
        return failed(
            "java", f"{version} at {java}; Spark 4.0 runs on {' or '.join(JAVA_VERSIONS)}", JAVA_FIX
        )
    return ok("java", f"{version} at {java}")


def check_python(version: Sequence[int]) -> Finding:
    """Check the Python that runs this."""
    text = ".".join(str(part) for part in version)
    if tuple(version[:2]) == PYTHON_VERSION:
        return ok("python", f"{text} at {sys.executable}")
    return failed(
        "python", f"{text}; the pinned packages need 3.11", "set PYTHON to Python 3.11 and set up again"
    )


def check_packages(requirements: Sequence[str] | None = None) -> list[Finding]:
    """Compare the installed packages of ``PINNED_TOGETHER`` with the versions that this project pins.

    Args:
        requirements: lines such as ``pyarrow==14.0.2; extra == "spark"``; by default those of the
            installed project.
    """
    if requirements is None:
        try:
            requirements = importlib.metadata.requires("uae") or []
        except importlib.metadata.PackageNotFoundError:
            return [failed("packages", "the project itself is not installed", SETUP_FIX)]
    named = [line.partition(";")[0].strip() for line in requirements]  # an extra's name follows the semicolon
    pinned = dict(line.split("==", 1) for line in named if "==" in line)
    return [_check_package(name, pinned.get(name, "")) for name in PINNED_TOGETHER]


def _check_package(name: str, pinned: str) -> Finding:
    check = f"package {name}"
    try:
        installed = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return failed(check, "not installed", SETUP_FIX)
    if not pinned:
        return warning(check, f"{installed}; the project pins no version", "install this project's release")
    # A build such as 2.13.0+cpu is that version.
    if installed.split("+")[0] != pinned:
        return failed(check, f"{installed} is installed, {pinned} is pinned", SETUP_FIX)
    return ok(check, installed)


def check_jars() -> Finding:
    """Check that set-up resolved the Delta jars, in the pinned version."""
    jars = spark_jars.resolved_jars()
    _, artifact, version = spark_jars.delta_package().split(":")
    if not jars:
        return warning(
            "delta jars",
            f"none under {spark_jars.jar_folder()}; a local run downloads them at its start",
            SETUP_FIX,
        )
    wanted = f"{artifact}-{version}.jar"
    # Ivy names a copied jar group_artifact-version.jar.
    if not any(jar.name.endswith(wanted) for jar in jars):
        return failed("delta jars", f"no {wanted} under {spark_jars.jar_folder()}", SETUP_FIX)
    size = sum(Path(jar).stat().st_size for jar in jars) / 2**20
    return ok("delta jars", f"{len(jars)} jars, {size:.0f} MiB, {version}")


def check_gpu() -> Finding:
    """Tell whether torch sees a GPU; training runs with and without one."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if not count:
        return ok("gpu", "none visible; training runs on the CPU")
    return ok("gpu", ", ".join(torch.cuda.get_device_name(index) for index in range(count)))
