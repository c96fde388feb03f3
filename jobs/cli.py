"""`uae STEP ...`: the steps of the pipeline under one name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from uae_model import __version__

STEPS = {
    "init": "look at files of plays and write a configuration that reads them",
    "simulate": "make listening events with known truth, as a feed",
    "ingest": "feed of a day -> events and quarantine",
    "quarantine": "rows of a day that could not be read, and why",
    "check": "what would become of a day's feed, without writing anything",
    "sessions": "events -> plays with sessions, their features and labels",
    "features": "aggregate features of a day's plays, or what each feature means",
    "train": "plays -> snapshot -> attention and propensity models, registered",
    "sensitivity": "how much attention hangs on the declared roles and on its mean",
    "tune": "the weight function of a model, chosen on data",
    "models": "what is registered: versions, losses, gates, the champion",
    "promote": "make a registered version champion, or go back",
    "score": "plays of a day -> scores, with the champion or another version",
    "publish": "check the scores of a day and let readers see them as weights",
    "nightly": "the whole chain for one day",
    "plan": "what the night of a day would build, and why",
    "backfill": "the whole chain, or its first steps, for a range of days",
    "evaluate": "base models trained on each weighting, judged; tables",
    "maintain": "keep tables and folders from growing: compaction, vacuum, expiry",
    "lineage": "what a published day was built from, back to the feed",
    "report": "one HTML page about a published day, or about many days",
    "forget": "take users out of every table, with a certificate",
    "rekey": "change the key of users' pseudonyms in all tables",
    "doctor": "check this machine, the configuration and the tables",
}


def usage() -> str:
    """Return the overview of all steps."""
    width = max(map(len, STEPS))
    lines = [f"  {name:<{width}}  {meaning}" for name, meaning in STEPS.items()]
    return "\n".join(
        [
            "usage: uae STEP [options]",
            "       uae --version",
            "",
            "steps:",
            *lines,
            "",
            "uae STEP --help shows a step's options.",
            "",
            "exit codes: 0 done; 2 wrong usage or configuration; 3 not yet, try later (feed not closed, slot "
            "missing,",
            "            another run going on);",
            "            4 a gate refused to publish, to promote or to take events back; 1 any other failure",
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        print(f"uae {__version__}")
        return 0
    step, *rest = arguments
    if step not in STEPS:
        print(f"uae: no step is called {step!r}\n\n{usage()}", file=sys.stderr)
        return 2
    try:
        job = importlib.import_module(f"jobs.{step}")
    except ModuleNotFoundError as error:
        print(f"uae {step}: needs the package {error.name}; pip install 'uae[all]'", file=sys.stderr)
        return 2
    code: int = job.main(rest)
    return code


if __name__ == "__main__":
    sys.exit(main())
