"""Random numbers that are a function of names alone: the same on every machine and in any order.

Traits of users and songs come from a hash of (seed, trait, id), so that no table of them has to be held
or sent; what happens in a block of plays comes from a Philox generator keyed by (seed, day, block).
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniform(seed: int, trait: str, *ids: npt.ArrayLike) -> Floats:
    """Return numbers in (0, 1), one for each combination of ids (broadcast against each other)."""
    with np.errstate(over="ignore"):
        state = np.uint64(seed) * _GOLDEN + np.uint64(zlib.crc32(trait.encode()))
        mixed = _mix(np.asarray(state, dtype=np.uint64))
        for id_values in ids:
            mixed = _mix(mixed ^ (np.asarray(id_values).astype(np.uint64) * _GOLDEN + _GOLDEN))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53 + 2.0**-54


def normal(seed: int, trait: str, *ids: npt.ArrayLike) -> Floats:
    """Return standard normal numbers, one for each combination of ids (Box-Muller)."""
    radius = np.sqrt(-2.0 * np.log(uniform(seed, trait + "/radius", *ids)))
    return np.asarray(radius * np.cos(2.0 * np.pi * uniform(seed, trait + "/angle", *ids)))


def choice(uniforms: Floats, shares: Floats) -> Ints:
    """Return the index drawn by each uniform number, with probabilities proportional to ``shares``."""
    edges = np.cumsum(shares / shares.sum())[:-1]
    return np.searchsorted(edges, uniforms, side="right").astype(np.int64)


def generator(seed: int, day: int, block: int, stream: str) -> np.random.Generator:
    """Return the generator of one block of one day; each stream is independent of the others."""
    key = np.array([seed, (day << 32) | block], dtype=np.uint64)
    counter = np.array([0, 0, 0, zlib.crc32(stream.encode())], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logits)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


def logit(share: float) -> float:
    """Return the inverse of ``sigmoid``."""
    return float(np.log(share / (1.0 - share)))


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014)."""
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
