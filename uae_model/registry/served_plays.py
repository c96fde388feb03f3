"""Plays as they stand in the tables, turned into what the networks read: what a served model does first.

A row is a play, with ``session_id`` and ``position``, or a session, with an array for each column. Spark cuts
its batches of rows anywhere, so a row must be a session there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uae_model.config import Feature, FeatureSet
from uae_model.core.errors import InputError
from uae_model.features.arrays import buckets_of, numbers_of
from uae_model.sessions.positions import session_lengths

SESSION, POSITION, FEEDBACK = "session_id", "position", "is_active"
"""Columns beside the features: the first two only where a row is a play."""


@dataclass(frozen=True)
class ServedPlays:
    """The plays of some sessions, one session after another in play order.

    Attributes:
        categorical: (plays, features) bucket numbers.
        numeric: (plays, features) transformed numbers, NaN for missing ones.
        feedback: (plays,) e, 1 = active.
        lengths: (sessions,) plays of each session.
        row_N: (plays,) the row that each play stood in; None where a row is a session.
    """

    categorical: NDArray[np.int64]
    numeric: NDArray[np.float32]
    feedback: NDArray[np.float32]
    lengths: NDArray[np.int64]
    row_N: NDArray[np.int64] | None = None

    def by_row(self, value_N: NDArray[np.float64]) -> list[Any]:
        """Return the values of the plays as the rows stood: a number a play, or a list a session."""
        if self.row_N is None:
            ends = np.cumsum(self.lengths)
            return [value_N[end - n : end].tolist() for n, end in zip(self.lengths, ends, strict=True)]
        ordered_N = np.empty_like(value_N)
        ordered_N[self.row_N] = value_N
        return list(ordered_N)


def served_plays(rows: pd.DataFrame, features: FeatureSet) -> ServedPlays:
    """Return rows of the tables as the networks read them.

    Args:
        rows: the column of each feature, with the table's values, and ``is_active``; a scalar a play, beside
            ``session_id`` and ``position``, or an array a session. Sessions must be whole: the propensity of
            a play rests on the feedback before it, and attention may rest on that of its session.
        features: of the model.

    Raises:
        InputError: if plays have no session or position, or if the arrays of a session differ in length.
        ContractError: if a session is not whole.
    """
    if len(rows) and np.ndim(rows[FEEDBACK].iloc[0]) == 1:
        return _of_sessions(rows, features)
    return _of_plays(rows, features)


def _of_plays(rows: pd.DataFrame, features: FeatureSet) -> ServedPlays:
    missing = [name for name in (SESSION, POSITION) if name not in rows]
    if missing:
        raise InputError(
            f"rows of plays need {' and '.join(missing)} beside the features; or give a row for each "
            "session, with an array for each column"
        )
    session_N = pd.factorize(rows[SESSION])[0]
    position_N = rows[POSITION].to_numpy()
    row_N = np.lexsort((position_N, session_N))
    lengths = session_lengths(
        position_N[row_N], session_N[row_N], "the plays to score", "give whole sessions, each play once"
    )
    values = {name: rows[name].iloc[row_N].tolist() for name in (*_columns(features), FEEDBACK)}
    return ServedPlays(*_encoded(values, features), lengths, row_N)


def _of_sessions(rows: pd.DataFrame, features: FeatureSet) -> ServedPlays:
    lengths = [len(values) for values in rows[FEEDBACK]]
    columns = _columns(features)
    for name in columns:
        if [len(values) for values in rows[name]] != lengths:
            raise InputError(f"column {name}: its arrays are not as long as those of {FEEDBACK}")
    values = {name: list(chain.from_iterable(rows[name])) for name in (*columns, FEEDBACK)}
    return ServedPlays(*_encoded(values, features), np.array(lengths, dtype=np.int64))


def _columns(features: FeatureSet) -> list[str]:
    return sorted({feature.column for feature in features})


def _encoded(
    values: dict[str, list[Any]], features: FeatureSet
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Return bucket numbers, transformed numbers and feedback of plays."""
    plays = len(values[FEEDBACK])
    categorical = np.empty((plays, len(features.categorical)), dtype=np.int64)
    for index, feature in enumerate(features.categorical):
        categorical[:, index] = buckets_of(_as_stored(values[feature.column]), feature.buckets)
    numeric = np.empty((plays, len(features.numeric)), dtype=np.float32)
    for index, feature in enumerate(features.numeric):
        numeric[:, index] = _numbers(values[feature.column], feature)
    return categorical, numeric, np.asarray(values[FEEDBACK], dtype=np.float32)


def _as_stored(values: list[Any]) -> Iterable[Any]:
    """Yield categorical values as the tables have them: text, whole numbers, None.

    Where a value is missing, pandas turns whole numbers into others, whose text would have another bucket.
    """
    for value, missing in zip(values, _missing(values), strict=True):
        if missing:
            yield None
        else:
            yield int(value) if isinstance(value, float) and value.is_integer() else value


def _numbers(values: list[Any], feature: Feature) -> NDArray[np.float32]:
    return numbers_of(
        [None if gap else v for v, gap in zip(values, _missing(values), strict=True)], feature.transform
    )


def _missing(values: list[Any]) -> NDArray[np.bool_]:
    missing: NDArray[np.bool_] = pd.isna(np.array(values, dtype=object))
    return missing
