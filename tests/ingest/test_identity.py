"""Pseudonyms against the published test vectors of HMAC-SHA256."""

from __future__ import annotations

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from uae_model.ingest.identity import pseudonymise, user_hasher

# RFC 4231, section 4: test cases whose data are text, as a user id is.
RFC_4231 = {
    "case 1": (b"\x0b" * 20, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    "case 2": (
        b"Jefe",
        "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    "case 6": (
        b"\xaa" * 131,
        "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    "case 7": (
        b"\xaa" * 131,
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
}


@pytest.mark.parametrize("case", RFC_4231)
def test_the_test_vectors_of_rfc_4231(case: str) -> None:
    key, data, expected = RFC_4231[case]
    assert user_hasher(key)(pd.Series([data])).tolist() == [expected]


def test_in_spark_null_stays_null_and_the_key_is_in_no_plan(spark: SparkSession) -> None:
    key, data, expected = RFC_4231["case 2"]
    frame = spark.createDataFrame([(data,), (None,), ("ü",)], "user_id string")
    hashed = frame.select(pseudonymise(frame["user_id"], key).alias("pseudonym"))
    found = [row["pseudonym"] for row in hashed.collect()]
    assert found[:2] == [expected, None]
    assert len(found[2]) == 64  # UTF-8, whatever the letters
    plan = hashed._jdf.queryExecution().toString()
    assert key.decode() not in plan
