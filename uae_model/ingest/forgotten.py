"""Users who asked to be forgotten: the feed may bring them again, ingest does not.

The list holds a digest of each raw id, which only a holder of the key can compute, link by link as pseudonyms
are made: so it outlives a change of the key. It is no pseudonym, and leads to no row of any table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.functions import pandas_udf

from uae_model.ingest.identity import forgotten_hasher
from uae_model.ingest.sealing import opened
from uae_model.lake import TableStore

TABLE = "forgotten"
FORGOTTEN = "forgotten"
"""Column of parsed rows: whether the row is of a user who was forgotten, or names one where it is bad."""

NOBODY: frozenset[str] = frozenset()

AROUND_VALUES = (re.compile(r"[\s\"',;|{}\[\]\\]+"), re.compile(r"[\s\"',;|{}\[\]\\:=<>()]+"))
"""What may stand around an id in the text of a row that could not be read; an id may itself hold a colon."""


def forgotten_digests(store: TableStore) -> frozenset[str]:
    """Return the digests of all users who were forgotten."""
    if not store.exists(TABLE):
        return NOBODY
    return frozenset(row["digest"] for row in store.read(TABLE).select("digest").collect())


def forgotten_rows(
    user_id: pa.Array, raw: pa.Array, is_bad: NDArray[np.bool_], digests: frozenset[str], key: bytes
) -> pa.Array:
    """Tell which rows are of a user who was forgotten; a bad row also where its text names one.

    Args:
        user_id: the raw ids, NULL where there is none.
        raw: the rows' texts.
        is_bad: which rows have something wrong with them.
        digests: of the users.
        key: the key.
    """
    if not digests:
        return pa.array(np.zeros(len(raw), dtype=np.bool_))
    text = pc.if_else(pa.array(is_bad), raw, None)
    judged = _judge(digests, key)(user_id.to_pandas(), text.to_pandas())
    return pa.array(judged, pa.bool_(), from_pandas=True)


def names_forgotten(raw: Column, value: Column, digests: frozenset[str], key: bytes) -> Column:
    """Tell which rows in quarantine, sealed, name a user who was forgotten."""
    judge = _judge(digests, key)

    def name_one(raws: pd.Series, values: pd.Series) -> pd.Series:
        texts = [
            " ".join(filter(None, (opened(raw, key), opened(value, key))))
            for raw, value in zip(raws, values, strict=True)
        ]
        return judge(pd.Series([None] * len(texts), dtype=object), pd.Series(texts, dtype=object))

    return pandas_udf(name_one, "boolean")(raw, value)  # type: ignore[call-overload, no-any-return]


def forgotten_again(digest: Column, secret: bytes) -> Column:
    """Return entries of the list as they are under a key with one secret more."""
    return pandas_udf(forgotten_hasher(secret), "string")(digest)  # type: ignore[call-overload, no-any-return]


def remembered(parsed: DataFrame) -> DataFrame:
    """Return parsed rows without those of users who were forgotten."""
    return parsed.where(~F.col(FORGOTTEN)).drop(FORGOTTEN)


def count_forgotten(parsed: DataFrame) -> int:
    """Return how many parsed rows are of users who were forgotten."""
    return parsed.where(FORGOTTEN).count()


def values_in(text: str | None) -> Iterator[str]:
    """Yield what may be an id in the text of a row that could not be read."""
    for around in AROUND_VALUES:
        yield from filter(None, around.split(text or ""))


def _judge(digests: frozenset[str], key: bytes) -> Callable[[pd.Series, pd.Series], pd.Series]:
    hashed = forgotten_hasher(key)

    def judge(user_ids: pd.Series, texts: pd.Series) -> pd.Series:
        is_own = hashed(user_ids).isin(digests)
        return is_own | texts.map(lambda text: names_one(values_in(text))).astype(bool)

    def names_one(values: Iterable[str]) -> bool:
        distinct = sorted(set(values))
        return bool(hashed(pd.Series(distinct, dtype=object)).isin(digests).any())

    return judge
