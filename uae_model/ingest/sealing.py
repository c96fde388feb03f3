"""Text that only a holder of the key can read: rows of the feed that wait in quarantine.

AES-SIV (RFC 5297) and not AES-GCM: the same text gives the same sealed text, so that a slot which is ingested
again after a crash writes the same rows. What that gives away, that two rows are equal, ``occurrences`` and
the digest of the row tell anyway.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import pandas as pd
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.pandas.functions import pandas_udf

from uae_model.core.errors import InputError
from uae_model.ingest.keys import derived_key, keyed_digest, links_of

SEALED = "sealed:"
"""What sealed text begins with; after it stands base64."""

AES_256_SIV = 64
"""Bytes of its key."""


def sealed(text: Column, key: bytes) -> Column:
    """Return a column sealed; NULL stays NULL."""
    return pandas_udf(sealer(key), "string")(text)  # type: ignore[call-overload, no-any-return]


def unsealed(text: Column, key: bytes) -> Column:
    """Return a sealed column as it was."""

    def open_texts(texts: pd.Series) -> pd.Series:
        return texts.map(lambda one: opened(one, key))

    return pandas_udf(open_texts, "string")(text)  # type: ignore[call-overload, no-any-return]


def is_plain(text: Column) -> Column:
    """Tell where a column holds text that is not sealed."""
    return F.coalesce(~text.startswith(SEALED), F.lit(False))


def row_digest(raw: Column, key: bytes) -> Column:
    """Return what names a row in quarantine: only a holder of the key can try guesses at its text."""

    def digests(texts: pd.Series) -> pd.Series:
        return texts.map(lambda text: keyed_digest(key, "quarantine rows", text or ""))

    return pandas_udf(digests, "string")(raw)  # type: ignore[call-overload, no-any-return]


def sealer(key: bytes) -> Callable[[pd.Series], pd.Series]:
    """Return the function by which workers seal texts."""
    secret = _secret(key)

    def seal_texts(texts: pd.Series) -> pd.Series:
        cipher = _cipher(secret)

        def seal(text: str | None) -> str | None:
            if text is None:
                return None
            # The byte before the text lets an empty one be sealed as well.
            data = cipher.encrypt(b"\1" + text.encode("utf-8", "surrogatepass"), None)
            return SEALED + base64.b64encode(data).decode()

        return texts.map(seal)

    return seal_texts


def opened(text: str | None, key: bytes) -> str | None:
    """Return what a sealed text says; one that is not sealed stays as it is.

    Raises:
        InputError: if it was sealed with another key.
    """
    if text is None or not text.startswith(SEALED):
        return text
    try:
        data = _cipher(_secret(key)).decrypt(base64.b64decode(text.removeprefix(SEALED)), None)
    except (InvalidTag, ValueError) as error:
        raise InputError(
            "a row of quarantine was sealed with another key, or is damaged; set paths.hmac_key_file to the "
            "key of the night that wrote it"
        ) from error
    return data[1:].decode("utf-8", "surrogatepass")


def _cipher(secret: bytes) -> AESSIV:
    """Return the cipher; workers get this function, since the class itself cannot be sent to them."""
    return AESSIV(secret)


def _secret(key: bytes) -> bytes:
    return derived_key(links_of(key)[-1], "quarantine", AES_256_SIV)
