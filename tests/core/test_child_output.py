"""What a child says on its standard streams is in the log, an entry an event; nothing of it is raw text."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading

import pytest

from uae_model.core.child_output import THREAD, Entries, children_to_log
from uae_model.core.logs import configure_logs, log_context

CHILD = """
import sys, time
print("Deleted 6 files", flush=True)
sys.stderr.write("Setting default log level\\n")
sys.stderr.flush()
time.sleep(1.5)
sys.stderr.write("26/01/05 03:00:00 ERROR Executor: failed\\njava.lang.Error: x\\n\\tat a.b(C.java:1)\\n")
sys.stderr.write("26/01/05 03:00:01 WARN Other: odd")
"""


@pytest.mark.slow
def test_a_childs_lines_are_events_also_after_the_block(capfd: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    before = set(threading.enumerate())
    with log_context(run_id="2026-01-05-r"), children_to_log():
        child = subprocess.Popen([sys.executable, "-c", CHILD])
        sys.stderr.write('{"own": "line"}\n')
    # capfd loses what is written while it is read, so the thread that writes comes to its end before.
    (reader,) = (thread for thread in set(threading.enumerate()) - before if thread.name == THREAD)
    assert child.wait() == 0
    reader.join(timeout=60)
    written = capfd.readouterr()
    assert written.out == ""  # for the summary alone
    told = [json.loads(line) for line in written.err.splitlines()]  # every line is JSON
    texts = [(event["level"], event["text"]) for event in told if event.get("event") == "spark said"]
    assert texts[-2:] == [
        ("error", "26/01/05 03:00:00 ERROR Executor: failed\njava.lang.Error: x\n\tat a.b(C.java:1)"),
        ("warning", "26/01/05 03:00:01 WARN Other: odd"),
    ]
    for line in ("Deleted 6 files", "Setting default log level"):
        assert line in "".join(text for _, text in texts)
    said = [event for event in told if event.get("event") == "spark said"]
    assert {event["run_id"] for event in said} == {"2026-01-05-r"}, "they name the run that started the child"
    sys.stderr.write("plain again\n")
    assert capfd.readouterr().err == "plain again\n"


def test_an_entry_is_told_when_it_is_whole() -> None:
    entries = Entries()
    entries.take("first\n26/01/05 03:00:00 ERROR a\n\tat")
    assert entries.whole(is_quiet=False) == [(logging.INFO, "first")]
    entries.take(" b\n26/01/05 03:00:01 WARN c\n")
    assert entries.whole(is_quiet=False) == [(logging.ERROR, "26/01/05 03:00:00 ERROR a\n\tat b")]
    assert entries.whole(is_quiet=True) == [(logging.WARNING, "26/01/05 03:00:01 WARN c")]
    entries.take("\n\nend")
    assert entries.whole(is_quiet=True) == [(logging.INFO, "end")]
