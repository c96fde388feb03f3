"""Pseudonyms of users: HMAC-SHA256 (RFC 2104) of the raw id with a key that never enters a query plan."""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.pandas.functions import pandas_udf

from uae_model.config import Config
from uae_model.core.errors import ConfigError

SHORTEST_KEY = 16


def read_key(config: Config) -> bytes:
    """Return the key from the configured file or environment variable.

    Raises:
        ConfigError: if there is none, or it is too short to protect ids. No key, no run.
    """
    file, variable = config.paths.hmac_key_file, config.identity.hmac_key_env
    if file:
        if not Path(file).is_file():
            raise ConfigError(f"paths.hmac_key_file = {file!r}: there is no such file")
        key, origin = Path(file).read_bytes().strip(), f"paths.hmac_key_file {file}"
    else:
        key, origin = (
            os.environ.get(variable, "").strip().encode(),
            f"environment variable {variable}",
        )
    if len(key) < SHORTEST_KEY:
        raise ConfigError(
            f"{origin}: holds {len(key)} bytes, the HMAC key of user ids needs at least {SHORTEST_KEY}; "
            f"make one with: openssl rand -hex 32"
        )
    return key


def pseudonymise(user_id: Column, key: bytes) -> Column:
    """Return the user id as 64 hex digits of HMAC-SHA256; NULL stays NULL.

    A Python UDF rather than sha2() of padded literals: literals show in plans, in the web page and in
    event logs, and the padded key would forge any pseudonym.
    """
    return pandas_udf(user_hasher(key), "string")(user_id)  # type: ignore[call-overload, no-any-return]


def user_hasher(key: bytes) -> Callable[[pd.Series], pd.Series]:
    """Return the function that workers run: it carries the key and imports nothing of this package."""

    def hash_users(user_ids: pd.Series) -> pd.Series:
        return user_ids.map(
            lambda raw: None if raw is None else hmac.digest(key, raw.encode(), "sha256").hex()
        )

    return hash_users
