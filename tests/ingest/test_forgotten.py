"""Rows of users who were forgotten: their own, and bad ones whose text names one."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from uae_model.ingest.forgotten import NOBODY, forgotten_digests, forgotten_rows, names_forgotten, values_in
from uae_model.ingest.identity import forgotten_hasher, user_hasher
from uae_model.ingest.keys import chain_of
from uae_model.ingest.sealing import sealer
from uae_model.lake import TableStore

KEY = b"the key of users, first"
ANN, URN = "ann@example.org", "spotify:user:ann"
DIGESTS = frozenset(forgotten_hasher(KEY)(pd.Series([ANN, URN])))


@pytest.mark.parametrize(
    "text",
    [
        f'{{"user_id": "{ANN}", "song',
        f"{ANN};song;2026-01-05",
        f"1\t{ANN}\t2",
        f"['{URN}', 3]",
        f"user={ANN}",
        f'{{"a":"{URN}"}}',
    ],
)
def test_a_value_of_a_row_that_cannot_be_read_is_found(text: str) -> None:
    assert {ANN, URN} & set(values_in(text))


def test_a_part_of_another_id_is_not_hers() -> None:
    assert not {ANN, URN} & set(values_in(f'{{"user_id": "joann@example.org", "x": "{ANN}x"}}'))
    assert list(values_in(None)) == []


def test_good_rows_go_by_their_user_and_bad_ones_by_all_they_hold() -> None:
    rows = [
        ("own", ANN, f'{{"user_id": "{ANN}"}}', None),
        ("of another", "bob", f'{{"user_id": "bob", "song_id": "{ANN}"}}', None),
        ("bad", "bob", f'{{"user_id": "bob", "feedback": "{ANN}"}}', "unknown feedback"),
        ("cut", None, f'{{"user_id": "{URN}", "so', "no JSON object"),
        ("a report", None, None, None),
    ]
    names, user_id, raw, reason = (pa.array(column, pa.string()) for column in zip(*rows, strict=True))
    is_bad = reason.is_valid().to_numpy(zero_copy_only=False)
    hers = forgotten_rows(user_id, raw, is_bad, DIGESTS, KEY)
    assert names.filter(hers).to_pylist() == ["own", "bad", "cut"]
    assert not any(forgotten_rows(user_id, raw, is_bad, NOBODY, KEY).to_pylist())


def test_rows_in_quarantine_are_opened_to_be_searched(spark: SparkSession) -> None:
    rows = [
        ("raw", f'"{ANN}"', None),
        ("value", "x", ANN),
        ("neither", "bob", "applause"),
        ("none", None, None),
    ]
    seal = sealer(KEY)
    texts = [(name, *seal(pd.Series(texts, dtype=object)).tolist()) for name, *texts in rows]
    frame = spark.createDataFrame(texts, "name string, raw string, value string")
    hers = frame.where(names_forgotten(F.col("raw"), F.col("value"), DIGESTS, KEY)).collect()
    assert [row["name"] for row in hers] == ["raw", "value"]


def test_an_entry_is_no_pseudonym_and_follows_a_change_of_the_key() -> None:
    new = b"the key of users, second"
    (entry,) = forgotten_hasher(KEY)(pd.Series([ANN]))
    assert entry != user_hasher(KEY)(pd.Series([ANN]))[0]
    assert (
        forgotten_hasher(new)(pd.Series([entry]))[0]
        == forgotten_hasher(chain_of((KEY, new)))(pd.Series([ANN]))[0]
    )


def test_without_a_list_nobody_is_forgotten_and_none_is_made(store: TableStore) -> None:
    assert forgotten_digests(store) == NOBODY
    assert not store.exists("forgotten")
