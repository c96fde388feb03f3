"""The process of one measured run.

``python -m benchmarks.child BENCHMARK ACTION FOLDER SCALE RESULT CORE``
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path


def main() -> int:
    """Run one action of a benchmark and write its result as JSON."""
    benchmark, action, folder, scale, result, core = sys.argv[1:]
    if core != "any":
        # Before anything is imported: JVM and torch size their thread pools by what they may use.
        os.sched_setaffinity(0, {int(core)})
    module = importlib.import_module(f"benchmarks.{benchmark}")
    place = Path(folder)
    if action == "prepare":
        content = module.prepare(place, float(scale))
    elif action == "compare":
        content = module.compare(place)
    else:
        content = asdict(module.PEERS[action](place))
    Path(result).write_text(json.dumps(content))
    return 0


if __name__ == "__main__":
    sys.exit(main())
