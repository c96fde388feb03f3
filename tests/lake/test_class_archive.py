"""The archive of Java's classes: made where it is asked for, used where it fits, silent where it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from uae_model.lake import class_archive
from uae_model.lake.class_archive import start_options

START = """
import sys
from pathlib import Path
from uae_model.lake import class_archive, spark
class_archive.archive_file = spark.archive_file = lambda: Path(sys.argv[1])
session = spark.start_spark("test", ["tests/spark.conf"])
said = session.sparkContext._jvm.java.lang.management.ManagementFactory.getRuntimeMXBean().getInputArguments()
print([option for option in said if "Archive" in option])
"""


def test_no_archive_is_no_option(tmp_path: Path) -> None:
    assert start_options(tmp_path / "classes.jsa") == ""


def test_an_archive_without_its_file_at_the_end_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(class_archive, "archive_file", lambda: tmp_path / "share" / "classes.jsa")
    monkeypatch.setattr(class_archive, "run_once", lambda part: None)
    with pytest.raises(RuntimeError, match=r"wrote no archive of classes to .*share/classes"):
        class_archive.write_archive()


@pytest.mark.slow
def test_a_file_that_is_no_archive_is_passed_over_without_a_word(tmp_path: Path) -> None:
    file = tmp_path / "of others [a] 1" / "classes.jsa"
    file.parent.mkdir()
    file.write_bytes(b"no archive")
    done = subprocess.run(
        [sys.executable, "-c", START, str(file)], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout == f"['-XX:SharedArchiveFile={file}']\n"
