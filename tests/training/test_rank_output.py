"""Which rank died and how, as torchrun and the ranks tell it."""

from __future__ import annotations

import json

import pytest

from uae_model.core.logs import configure_logs, log_context
from uae_model.training.rank_output import RankOutput, cause_of_death

TABLE = """
Traceback (most recent call last):
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
/tmp/train.py FAILED
------------------------------------------------------------
Failures:
{other}
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  time      : 2026-01-05_03:00:00
  host      : node
  rank      : {rank} (local_rank: {rank})
  exitcode  : {code} (pid: 77)
  error_file: <N/A>
  traceback : {text}
============================================================
"""
OTHER = """[1]:
  time      : 2026-01-05_03:00:00
  host      : node
  rank      : {rank} (local_rank: {rank})
  exitcode  : {code} (pid: 78)
  error_file: <N/A>
"""
LOST_PEER = """[rank0]: Traceback (most recent call last):
[rank0]:   File "/code/group.py", line 47, in sum
[rank0]: RuntimeError: [/pytorch/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:1
"""


def cause(text: str) -> str:
    return cause_of_death(text.splitlines())


@pytest.mark.parametrize("first", [0, 1])
def test_a_killed_rank_is_named_whichever_failure_was_seen_first(first: int) -> None:
    codes = {0: 1, 1: -9}
    other = OTHER.format(rank=1 - first, code=codes[1 - first])
    text = LOST_PEER + TABLE.format(rank=first, code=codes[first], text="", other=other)
    assert cause(text) == "rank 1 was ended by signal 9 (SIGKILL): perhaps the memory did not suffice"


def test_a_rank_that_raises_tells_what_and_not_what_followed_from_it() -> None:
    own = """[rank1]: Traceback (most recent call last):
[rank1]: ValueError: first
[rank1]: The above exception was the direct cause of the following exception:
[rank1]: uae_model.core.errors.ModelError: chain, epoch 2: the validation loss is nan; lower the rates
"""
    text = LOST_PEER + own + TABLE.format(rank=0, code=1, text="x", other=OTHER.format(rank=1, code=1))
    assert cause(text) == (
        "rank 1 ended with exit code 1: uae_model.core.errors.ModelError: chain, epoch 2: the validation "
        "loss is nan; lower the rates"
    )


def test_a_rank_that_lost_its_peer_is_named_where_nothing_else_is_known() -> None:
    assert cause(LOST_PEER).startswith("rank 0 ended: RuntimeError: [/pytorch/gloo")


def test_a_rank_that_says_nothing_has_its_exit_code() -> None:
    assert cause(TABLE.format(rank=1, code=3, text="", other="  <NO_OTHER_FAILURES>")) == (
        "rank 1 ended with exit code 3: it said nothing"
    )


def test_what_torchrun_ends_itself_did_not_die_first() -> None:
    text = TABLE.format(rank=0, code=1, text="", other=OTHER.format(rank=1, code=-15))
    assert cause(text).startswith("rank 0 ended with exit code 1")


def test_an_error_before_any_rank_began() -> None:
    assert cause("ImportError: no module torch") == "a rank ended: ImportError: no module torch"
    assert cause("") == "the ranks ended without a result"


def test_the_log_and_progress_go_on_and_the_rest_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("INFO", "json")
    event = {"time": "2026-01-05T03:00:00", "level": "warning", "event": "epoch finished", "epoch": 1}
    how_far = {"time": "x", "event": "progress", "what": "epoch 1", "done": 3, "total": 9, "unit": "plays"}
    with log_context(step="train"), RankOutput() as output:
        print(json.dumps(event), file=output)
        print(json.dumps(how_far), file=output)
        print('{"no": "event"}', file=output)
        print("{no JSON", file=output)
        print("[rank0]: Trace", end="", file=output)
        print("back\n\nno end of line", end="", file=output)
    assert list(output.lines) == ['{"no": "event"}', "{no JSON", "[rank0]: Traceback", "no end of line"]
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = [json.loads(line) for line in captured.err.splitlines()]
    del line["time"]
    assert line == {"level": "warning", "event": "epoch finished", "step": "train", "epoch": 1}
