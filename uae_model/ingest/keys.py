"""The key of users' pseudonyms: where it lies, what is derived of it, and by what tables know it.

A key is one secret, or a chain of them: the line ``uae-key-chain`` and below it one secret a line, oldest
first. A pseudonym is then made link by link, HMAC of HMAC, so that pseudonyms of a former key become those of
the new one without any raw id (``uae rekey``). What is encrypted or digested beside pseudonyms depends on the
newest link alone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import lru_cache
from pathlib import Path
from typing import Literal

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from uae_model.config import Config
from uae_model.core.errors import ConfigError

SHORTEST_KEY = 16
CHAIN = b"uae-key-chain"

Purpose = Literal["event ids", "quarantine", "quarantine rows", "forgotten users"]
"""What a key is derived for: what one of them gives away tells nothing of the others."""


def read_key(config: Config) -> bytes:
    """Return the key from the configured file or environment variable.

    Raises:
        ConfigError: if there is none, or it is too short to protect ids. No key, no run.
    """
    file, variable = config.paths.hmac_key_file, config.identity.hmac_key_env
    if file:
        return key_of_file(file, "paths.hmac_key_file")
    return _checked(os.environ.get(variable, "").strip().encode(), f"environment variable {variable}")


def key_of_file(file: str, setting: str) -> bytes:
    """Return the key that a file holds.

    Args:
        file: its path.
        setting: what names it, for errors.

    Raises:
        ConfigError: if there is no such file, or its key is too short.
    """
    if not Path(file).is_file():
        raise ConfigError(f"{setting} = {file!r}: there is no such file")
    return _checked(Path(file).read_bytes().strip(), f"{setting} {file}")


def links_of(key: bytes) -> tuple[bytes, ...]:
    """Return the secrets of a key, oldest first; most keys are one."""
    first, *others = key.split(b"\n")
    if first.strip() != CHAIN:
        return (key,)  # whatever bytes it has
    return tuple(line.strip() for line in others if line.strip())


def chain_of(links: tuple[bytes, ...]) -> bytes:
    """Return the key that consists of these secrets."""
    return links[0] if len(links) == 1 else b"\n".join((CHAIN, *links))


@lru_cache
def fingerprint_of(key: bytes) -> str:
    """Return 16 hex digits that name a key and do not lead back to it.

    scrypt rather than an HMAC of a fixed text: whoever reads the tables could try guesses at the key against
    the fingerprint, without knowing a single raw id. A random key cannot be guessed in either case; of one
    that somebody made up, each guess shall cost 16 MB of memory and some hundredths of a second.
    """
    whole = b"\n".join(links_of(key))
    digest = hashlib.scrypt(whole, salt=b"uae: fingerprint of the key of users", n=2**14, r=8, p=1, dklen=8)
    return digest.hex()


@lru_cache
def derived_key(secret: bytes, purpose: Purpose, length: int = 32) -> bytes:
    """Return a key for one purpose, derived from a secret by HKDF (RFC 5869).

    Args:
        secret: one link of the key.
        purpose: what it is for.
        length: in bytes.
    """
    return HKDF(SHA256(), length, salt=None, info=f"uae: {purpose}".encode()).derive(secret)


def keyed_digest(key: bytes, purpose: Purpose, text: str, digits: int = 32) -> str:
    """Return hex digits that only a holder of the key can compute of a text."""
    secret = derived_key(links_of(key)[-1], purpose)
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:digits]


def _checked(key: bytes, origin: str) -> bytes:
    links = links_of(key)
    shortest = min(map(len, links), default=0)
    if shortest < SHORTEST_KEY:
        raise ConfigError(
            f"{origin}: holds {shortest} bytes, the HMAC key of user ids needs at least {SHORTEST_KEY}; "
            f"make one with: openssl rand -hex 32"
        )
    return key
