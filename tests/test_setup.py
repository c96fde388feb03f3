"""Set-up with stub programs: one clear line for what is missing, and nothing done twice."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]
TOOLS = ("bash", "dirname", "sed", "head", "cat", "sha256sum", "cut", "mkdir", "chmod", "cp")

FILES = (
    "requirements.txt",
    "requirements-dev.txt",
    "pyproject.toml",
    "uae_model/__init__.py",
    "uae_model/lake/jars.py",
    "uae_model/lake/class_archive.py",
)

PIP = "-m pip install --quiet --disable-pip-version-check"
SPARK = ["-m uae_model.lake.jars", "-m uae_model.lake.class_archive"]

# A python that says its version, and makes an environment whose own python writes down what it is asked.
PYTHON = """#!/bin/bash
case "$*" in
  "-c "*) echo "{version}" ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && chmod +x .venv/bin/python ;;
  "-m "*) echo "$*" >> calls; {behaviour} ;;
esac
"""


class Machine:
    """A copy of the project's set-up files and a PATH that holds only what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.bin = folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.bin / tool).symlink_to(found)
        (self.project / "scripts").mkdir(parents=True)
        (self.project / "uae_model" / "lake").mkdir(parents=True)
        shutil.copy2(ROOT / "scripts" / "setup.sh", self.project / "scripts")
        for name in FILES:
            (self.project / name).write_text(f"# {name}\n")

    def program(self, name: str, text: str, *, folder: Path | None = None) -> Path:
        file = (folder or self.bin) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return file

    def java(self, version: str, *, folder: Path | None = None) -> Path:
        text = (
            f"#!/bin/bash\necho 'openjdk version \"{version}\" 2024-10-15' >&2\necho 'OpenJDK 64-Bit' >&2\n"
        )
        return self.program("java", text, folder=folder)

    def python(self, version: str = "3.11", name: str = "python3.11", behaviour: str = ":") -> Path:
        return self.program(name, PYTHON.format(version=version, behaviour=behaviour))

    def set_up(self, layer: str = "run", **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.bin / "bash"), str(self.project / "scripts" / "setup.sh"), layer],
            env={"PATH": str(self.bin), **environment},
            cwd="/",  # it finds its own folder
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self) -> list[str]:
        """Return what the environment's python was asked since the last look."""
        file = self.project / "calls"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def only_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line that a failed set-up prints."""
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("set-up: ")
    return line


class TestJava:
    def test_none(self, machine: Machine) -> None:
        line = only_line(machine.set_up())
        assert "Java was not found (looked for 'java')" in line
        assert "apt-get install openjdk-17-jre-headless" in line

    def test_none_where_java_home_points(self, machine: Machine, tmp_path: Path) -> None:
        machine.java("17.0.13")
        line = only_line(machine.set_up(JAVA_HOME=str(tmp_path / "gone")))
        assert f"looked for '{tmp_path}/gone/bin/java'" in line

    @pytest.mark.parametrize(("version", "major"), [("11.0.2", "11"), ("1.8.0_292", "1"), ("24", "24")])
    def test_the_wrong_one(self, machine: Machine, version: str, major: str) -> None:
        machine.java(version)
        line = only_line(machine.set_up())
        assert f"Java {major} was found at 'java'; Spark 4.0 runs on Java 17 or 21" in line
        assert "Install Java 17 and set JAVA_HOME" in line

    def test_one_that_does_not_say(self, machine: Machine) -> None:
        machine.program("java", "#!/bin/bash\nexit 1\n")
        assert "Java of an unknown version" in only_line(machine.set_up())

    def test_java_home_wins(self, machine: Machine, tmp_path: Path) -> None:
        machine.java("11.0.2")
        machine.java("21.0.1", folder=tmp_path / "jdk" / "bin")
        machine.python()
        assert machine.set_up(JAVA_HOME=str(tmp_path / "jdk")).returncode == 0


class TestPython:
    @pytest.fixture(autouse=True)
    def _java(self, machine: Machine) -> None:
        machine.java("17.0.13")

    def test_none(self, machine: Machine) -> None:
        line = only_line(machine.set_up())
        assert "Python 3.11 was not found (tried $PYTHON, python3.11, python3, python)" in line

    def test_the_wrong_one(self, machine: Machine) -> None:
        machine.python("3.12", name="python3")
        machine.python("3.10", name="python")
        assert "Python 3.11 was not found" in only_line(machine.set_up())

    @pytest.mark.parametrize("name", ["python3", "python", "elsewhere/python-of-mine"])
    def test_any_name_will_do_for_the_right_one(self, machine: Machine, name: str) -> None:
        machine.python("3.12", name="python3.11")
        (machine.bin / "elsewhere").mkdir()
        file = machine.python("3.11", name=name)
        environment = {"PYTHON": str(file)} if "/" in name else {}
        assert machine.set_up(**environment).returncode == 0

    def test_one_without_its_venv_module(self, machine: Machine) -> None:
        text = PYTHON.format(version="3.11", behaviour=":").replace("mkdir -p .venv/bin &&", "exit 1;")
        machine.program("python3.11", text)
        line = only_line(machine.set_up())
        assert "install Python's venv module (Debian: apt-get install python3.11-venv)" in line


class TestSteps:
    @pytest.fixture(autouse=True)
    def _machine(self, machine: Machine) -> None:
        machine.java("17.0.13")
        machine.python()
        machine.program("chromium", "#!/bin/bash\n")

    def test_each_is_done_once(self, machine: Machine) -> None:
        first = machine.set_up()
        assert (first.returncode, first.stderr) == (0, "")
        assert machine.calls() == [
            f"{PIP} --require-hashes --no-deps -r requirements.txt",
            f"{PIP} --no-deps --no-build-isolation -e .",
            *SPARK,
        ]
        second = machine.set_up()
        assert (second.returncode, second.stdout, second.stderr, machine.calls()) == (0, "", "", [])

    def test_it_prints_a_few_lines_of_its_own(self, machine: Machine) -> None:
        machine.python(behaviour="echo many words; echo of Ivy >&2")
        done = machine.set_up()
        words = done.stdout.splitlines()
        assert [line for line in words if not line.startswith("set-up: ")] == ["many words"] * 2  # of pip
        assert (machine.project / ".venv" / "jars.log").read_text() == "many words\nof Ivy\n"
        machine.python()
        shutil.rmtree(machine.project / ".venv")
        lines = machine.set_up().stdout.splitlines()
        assert len(lines) == 5
        assert all(line.startswith("set-up: ") for line in lines)
        assert lines[-1] == "set-up: done"

    def test_another_version_of_delta_resolves_the_jars_again(self, machine: Machine) -> None:
        machine.set_up()
        machine.calls()
        with (machine.project / "requirements.txt").open("a") as file:
            file.write("delta-spark==9.9.9 \\\n    --hash=sha256:0\n")
        machine.set_up()
        assert [call.rsplit(" ", 1)[-1] for call in machine.calls()] == [
            "requirements.txt",
            "uae_model.lake.jars",
            "uae_model.lake.class_archive",
        ]

    @pytest.mark.parametrize(("uv_works", "pip_installs"), [(True, []), (False, ["requirements.txt"])])
    def test_uv_is_used_where_it_is_and_pip_where_it_fails(
        self, machine: Machine, uv_works: bool, pip_installs: list[str]
    ) -> None:
        machine.program("uv", f'#!/bin/bash\necho "uv $*" >> calls\nexit {int(not uv_works)}\n')
        done = machine.set_up()
        assert (done.returncode, done.stderr) == (0, "")
        calls = machine.calls()
        command = "uv pip install --quiet --python .venv/bin/python --require-hashes --no-deps"
        assert calls[0] == f"{command} -r requirements.txt"
        assert [
            call.rsplit(" ", 1)[-1] for call in calls if "-m pip" in call and "-r" in call
        ] == pip_installs

    def test_the_development_layer_adds_only_its_own(self, machine: Machine) -> None:
        machine.set_up()
        machine.calls()
        for expected in ([f"{PIP} --require-hashes --no-deps -r requirements-dev.txt"], []):
            assert machine.set_up("dev").returncode == 0
            assert machine.calls() == expected

    @pytest.mark.parametrize(
        ("file", "expected"),
        [
            ("requirements.txt", [f"{PIP} --require-hashes --no-deps -r requirements.txt"]),
            ("pyproject.toml", [f"{PIP} --no-deps --no-build-isolation -e ."]),
            ("uae_model/__init__.py", [f"{PIP} --no-deps --no-build-isolation -e ."]),
            ("uae_model/lake/jars.py", SPARK),
            ("uae_model/lake/class_archive.py", SPARK),
        ],
    )
    def test_what_changed_is_done_again_and_nothing_else(
        self, machine: Machine, file: str, expected: list[str]
    ) -> None:
        machine.set_up()
        machine.calls()
        (machine.project / file).write_text("changed\n")
        assert machine.set_up().returncode == 0
        assert machine.calls() == expected

    def test_without_an_archive_of_classes_all_else_works(self, machine: Machine) -> None:
        machine.python(behaviour='[[ "$*" != *class_archive* ]]')
        done = machine.set_up()
        assert (done.returncode, done.stderr) == (0, "")
        assert "each command starts some seconds later: see .venv/classes.log" in done.stdout

    @pytest.mark.parametrize(
        ("fails", "message"),
        [
            (
                "requirements.txt",
                "pip could not install requirements.txt: see its message above. 'make clean-venv'",
            ),
            ("-e .", "pip could not install the project itself"),
            (
                "lake.jars",
                "the Delta jars could not be resolved: see .venv/jars.log. If Ivy says 'download failed'",
            ),
        ],
    )
    def test_a_step_that_fails_is_told_and_tried_again(
        self, machine: Machine, fails: str, message: str
    ) -> None:
        machine.python(behaviour=f'[[ "$*" != *"{fails}"* ]]')
        done = machine.set_up()
        assert done.returncode == 1
        assert message in done.stderr.splitlines()[-1]
        asked = machine.calls()
        assert fails in asked[-1]
        shutil.copy2(machine.python(), machine.project / ".venv" / "bin" / "python")
        assert machine.set_up().returncode == 0
        assert machine.calls()[0] == asked[-1]  # what was done stays done

    @pytest.mark.parametrize(("user", "installs"), [("0", True), ("1000", False)])
    def test_a_missing_browser_is_installed_or_told(
        self, machine: Machine, user: str, installs: bool
    ) -> None:
        (machine.bin / "chromium").unlink()
        machine.program("id", f"#!/bin/bash\necho {user}\n")
        machine.program("apt-get", '#!/bin/bash\necho "apt-get $*" >> calls\n')
        done = machine.set_up("dev")
        assert done.returncode == 0
        asked = [call for call in machine.calls() if call.startswith("apt-get install")]
        assert len(asked) == int(installs)
        # The test in a browser is never left out: without one it fails, and set-up has said why.
        told = "chromium is not installed, which the test of the report in a browser needs"
        fix = "(Debian: sudo apt-get install chromium)"
        assert (f"set-up: {told} {fix}" in done.stdout.splitlines()) is not installs

    def test_a_browser_that_cannot_be_installed_is_told(self, machine: Machine) -> None:
        (machine.bin / "chromium").unlink()
        machine.program("id", "#!/bin/bash\necho 0\n")
        machine.program("apt-get", "#!/bin/bash\nexit 100\n")
        done = machine.set_up("dev")
        assert done.returncode == 1
        assert "apt-get could not install chromium. Install it by hand" in done.stderr


def test_the_script_can_be_run() -> None:
    assert os.access(ROOT / "scripts" / "setup.sh", os.X_OK)
