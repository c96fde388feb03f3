"""The plays of an evaluation in memory: read once through Petastorm, shared by all trials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uae_model.core.any_storage import filesystem_of
from uae_model.core.atomic import write_whole
from uae_model.core.errors import ContractError
from uae_model.sessions.positions import session_lengths
from uae_model.snapshot.petastorm_arrays import array_reader
from uae_model.snapshot.petastorm_files import quiet_petastorm

DESCRIPTION = "evaluation.json"
TRAIN, VALIDATION, TEST = 0, 1, 2
"""Values of ``split_N``."""
UNKNOWN = -1
"""Relevance and attention of a play that no truth is known of."""

COLUMNS = ("session", "position", "user", "split", "active", "label", "relevance", "attended")
"""Number columns of the files, beside the lists ``categorical`` and ``numeric``."""


@dataclass(frozen=True)
class EvaluationPlays:
    """Plays, session by session in play order.

    Attributes:
        identity: names the data; the same identity means the same plays.
        categorical_NF: int64 bucket numbers.
        numeric_NF: float32 transformed numbers, NaN where missing.
        lengths_S: plays of each session.
        user_N: int64, a number for each user.
        split_N: ``TRAIN``, ``VALIDATION`` or ``TEST``.
        active_N: e, bool.
        label_N: y, 0 or 1.
        relevance_N: whether the user likes the song, 0 or 1 (``UNKNOWN`` -1); None without a truth.
        attended_N: a, likewise.
    """

    identity: str
    categorical_NF: NDArray[np.int64]
    numeric_NF: NDArray[np.float32]
    lengths_S: NDArray[np.int64]
    user_N: NDArray[np.int64]
    split_N: NDArray[np.int8]
    active_N: NDArray[np.bool_]
    label_N: NDArray[np.int8]
    relevance_N: NDArray[np.int8] | None = None
    attended_N: NDArray[np.int8] | None = None

    def __len__(self) -> int:
        return len(self.user_N)

    def passive_in(self, split: int) -> NDArray[np.bool_]:
        """Return the mask of a split's passive plays."""
        passive_N: NDArray[np.bool_] = (self.split_N == split) & ~self.active_N
        return passive_N


def describe_files(root: str, rows: int, files: Sequence[str], numeric: int) -> None:
    """Write, last of all, what a folder of evaluation plays holds: rows, files and numeric features."""
    content = {"rows": rows, "files": list(files), "numeric": numeric}
    write_whole(f"{root}/{DESCRIPTION}", json.dumps(content))


def description_of(root: str) -> dict[str, Any] | None:
    """Return what ``describe_files`` wrote, or None where the folder was not finished."""
    filesystem, target = filesystem_of(f"{root}/{DESCRIPTION}")
    if not filesystem.exists(target):
        return None
    with filesystem.open(target, "r") as file:
        content: dict[str, Any] = json.load(file)
    return content


def read_evaluation_plays(root: str, identity: str) -> EvaluationPlays:
    """Read a finished folder through Petastorm.

    Raises:
        ContractError: if the folder is not finished, rows are missing, or a session's positions are not
            1, 2, 3, ...
    """
    described = description_of(root)
    if described is None:
        raise ContractError(f"no finished evaluation plays at {root}")
    names = [*COLUMNS, "categorical", *(["numeric"] if described["numeric"] else [])]
    files = [f"{root}/{path}" for path in described["files"]]
    reader = array_reader(files, names, shuffle=False, seed=0, rank=0, world=1)
    with quiet_petastorm(), reader:
        groups = [[getattr(group, name) for name in names] for group in reader]
    columns = {
        name: np.concatenate(parts) for name, parts in zip(names, zip(*groups, strict=True), strict=True)
    }
    rows = len(columns["session"])
    if rows != described["rows"]:
        raise ContractError(f"evaluation plays at {root}: {rows} rows were read, {described['rows']} written")
    order = np.lexsort((columns["position"], columns["session"]))
    columns = {name: values[order] for name, values in columns.items()}
    return EvaluationPlays(
        identity=identity,
        categorical_NF=columns["categorical"].astype(np.int64),
        numeric_NF=columns.get("numeric", np.empty((rows, 0))).astype(np.float32),
        lengths_S=session_lengths(columns["position"], columns["session"], f"evaluation plays at {root}"),
        user_N=columns["user"],
        split_N=columns["split"].astype(np.int8),
        active_N=columns["active"] > 0,
        label_N=columns["label"].astype(np.int8),
        relevance_N=_known(columns["relevance"]),
        attended_N=_known(columns["attended"]),
    )


def _known(values_N: NDArray[Any]) -> NDArray[np.int8] | None:
    return values_N.astype(np.int8) if (values_N != UNKNOWN).any() else None
