"""Whether plays lie as scoring wants them: then no row has to move before it is scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812


def are_whole_sessions(plays: DataFrame) -> bool:
    """Tell whether each task of a frame has whole sessions, one after another, each in play order.

    The step ``sessions`` writes large days so. A file of several row groups, or one that other programs
    wrote, may be cut in the middle of a session: then the plays must be shuffled first.
    """
    looked_at = plays.select("position", F.xxhash64("session_id").alias("session"))
    broken = looked_at.mapInArrow(_broken, "broken bigint")
    return int(broken.agg(F.coalesce(F.sum("broken"), F.lit(0))).collect()[0][0]) == 0


def _broken(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Count the plays that neither start a session nor follow on the play before."""
    broken, last_position, last_session = 0, 0, 0
    for batch in batches:
        position = batch["position"].to_numpy().astype(np.int64)
        session = batch["session"].to_numpy()
        if not len(position):
            continue
        before = np.concatenate([[last_position], position[:-1]])
        session_before = np.concatenate([[last_session], session[:-1]])
        follows = (session == session_before) & (position == before + 1)
        broken += int((~follows & (position != 1)).sum())
        last_position, last_session = int(position[-1]), int(session[-1])
    yield pa.RecordBatch.from_arrays([pa.array([broken], pa.int64())], names=["broken"])
