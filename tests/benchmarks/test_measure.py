"""CPU seconds of a measured section."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks.measure import timed

pytestmark = pytest.mark.slow
BURN = "import time\nwhile time.process_time() < 0.6: pass"
PARENT_THAT_ENDS_FIRST = f"""
import os, subprocess, sys
is_ended, open_until_then = os.pipe()
if os.fork() == 0:
    subprocess.Popen([sys.executable, "-c", {BURN!r}], pass_fds=[open_until_then]).wait()
else:
    os.close(open_until_then)
    os.read(is_ended, 1)
    os._exit(0)  # without having waited for its child
"""


def test_the_time_of_processes_counts_that_ended_without_a_parent_to_wait_for_them() -> None:
    with timed() as run:
        subprocess.run([sys.executable, "-c", PARENT_THAT_ENDS_FIRST], check=True)
    assert run.cpu_seconds > 0.3  # of the 0.6 seconds that the grandchild used


def test_what_a_process_had_used_before_does_not_count() -> None:
    subprocess.run([sys.executable, "-c", BURN], check=True)
    with timed() as run:
        pass
    assert 0 <= run.cpu_seconds < 0.3
