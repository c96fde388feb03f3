"""Pseudonyms of users: HMAC-SHA256 (RFC 2104) of the raw id with a key that never enters a query plan."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.functions import pandas_udf

from uae_model.ingest.keys import derived_key, links_of

TextFunction = Callable[[str], str]

EVENT_ID_DIGITS = 32
"""Digits of a hashed event id: as many as that of an event whose feed gives none."""


def pseudonymise(user_id: Column, key: bytes) -> Column:
    """Return the user id as 64 hex digits of HMAC-SHA256; NULL stays NULL.

    A Python UDF rather than sha2() of padded literals: literals show in plans, in the web page and in
    event logs, and the padded key would forge any pseudonym.
    """
    return pandas_udf(user_hasher(key), "string")(user_id)  # type: ignore[call-overload, no-any-return]


def hash_event_ids(event_id: Column, key: bytes) -> Column:
    """Return event ids as 32 hex digits that only a holder of the key can compute; NULL stays NULL."""
    return pandas_udf(event_hasher(key), "string")(event_id)  # type: ignore[call-overload, no-any-return]


def natural_event_id(pseudonym: Column, song_id: Column, start: Column) -> Column:
    """Return the id of an event whose feed gives none, of who played what when: exact duplicates share it.

    Made of the pseudonym: from the raw id, a guess at a user could be checked without the key.
    """
    natural = F.concat_ws("|", pseudonym, song_id, F.unix_micros(start))
    return F.substring(F.sha2(natural, 256), 1, EVENT_ID_DIGITS)


def natural_id(pseudonym: str | None, song_id: str | None, micros: int | None) -> str:
    """Return ``natural_event_id`` of one event, whose start is in microseconds."""
    told = "|".join(str(part) for part in (pseudonym, song_id, micros) if part is not None)
    return hashlib.sha256(told.encode()).hexdigest()[:EVENT_ID_DIGITS]


def user_digest(key: bytes) -> TextFunction:
    """Return the function that makes a pseudonym of a user id, link by link."""
    return _digest(links_of(key), 64)


def event_digest(key: bytes) -> TextFunction:
    """Return the function that hashes an event id, link by link."""
    return _digest([derived_key(link, "event ids") for link in links_of(key)], EVENT_ID_DIGITS)


def user_hasher(key: bytes) -> Callable[[pd.Series], pd.Series]:
    """Return the function by which workers make pseudonyms of user ids, link by link."""
    return _of_series(user_digest(key))


def event_hasher(key: bytes) -> Callable[[pd.Series], pd.Series]:
    """Return the function by which workers hash event ids, link by link."""
    return _of_series(event_digest(key))


def forgotten_hasher(key: bytes) -> Callable[[pd.Series], pd.Series]:
    """Return the function that digests raw ids for the list of users who were forgotten, link by link."""
    return _of_series(_digest([derived_key(link, "forgotten users") for link in links_of(key)], 64))


def _digest(links: Sequence[bytes], digits: int) -> TextFunction:
    """Return the function that workers run: it carries the keys and imports nothing of this package."""

    def digest(text: str) -> str:
        for link in links:
            text = hmac.digest(link, text.encode(), "sha256").hex()[:digits]
        return text

    return digest


def _of_series(digest: TextFunction) -> Callable[[pd.Series], pd.Series]:
    """Return the function of a column; NULL stays NULL."""
    return lambda values: values.map(lambda text: None if text is None else digest(text))
