"""The manifest of a training snapshot: what was written, so that every row can be accounted for.

Shared by the Spark writer and the torch reader; imports neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from uae_model.config import FeatureSet
from uae_model.core.any_storage import filesystem_of
from uae_model.core.atomic import write_whole
from uae_model.core.errors import ContractError
from uae_model.features.references import FeatureReference, read_references

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class SnapshotFile:
    """One Parquet file: its path below the snapshot, the padded length of its rows, rows per row group."""

    path: str
    padded_length: int
    row_groups: tuple[int, ...]


@dataclass(frozen=True)
class SnapshotSplit:
    """The sessions of some days: files, and how many sessions and plays they hold."""

    name: str
    days: tuple[str, ...]
    sessions: int
    plays: int
    active_plays: int
    files: tuple[SnapshotFile, ...]

    @property
    def padded_steps(self) -> int:
        """Time steps including padding."""
        return sum(file.padded_length * sum(file.row_groups) for file in self.files)

    @property
    def fill(self) -> float:
        """Share of padded steps that are real plays."""
        return self.plays / self.padded_steps if self.padded_steps else 1.0


@dataclass(frozen=True)
class Manifest:
    """A snapshot: one Delta version of ``plays``, its splits, the feature declaration and statistics.

    ``features_version`` is that of the table of aggregate features, None where none is declared.
    ``numeric_boundaries`` are the deciles of each numeric feature with the transform quantile, empty for the
    others; no entry at all where no feature has it. ``references`` are there where
    ``publication.feature_health`` asks for them.
    """

    snapshot_id: str
    root: str
    table_version: int
    features: FeatureSet
    numeric_mean: tuple[float, ...]
    numeric_deviation: tuple[float, ...]
    train: SnapshotSplit
    validation: SnapshotSplit
    features_version: int | None = None
    references: tuple[FeatureReference, ...] = ()
    numeric_boundaries: tuple[tuple[float, ...], ...] = ()

    def to_plain(self) -> dict[str, Any]:
        """Return the manifest as JSON values."""
        return {**asdict(self), "features": self.features.to_plain()}

    def save(self) -> None:
        """Write the manifest into the snapshot, whole or not at all: its presence marks it as complete."""
        write_whole(f"{self.root}/{MANIFEST}", json.dumps(self.to_plain(), indent=1))


def load_manifest(root: str) -> Manifest | None:
    """Return the manifest of the snapshot at ``root``, or None where none was completed.

    Raises:
        ContractError: if the file is not a manifest of this version.
    """
    filesystem, path = filesystem_of(f"{root}/{MANIFEST}")
    if not filesystem.exists(path):
        return None
    try:
        with filesystem.open(path, "r") as file:
            return _parse(json.load(file))
    except (KeyError, TypeError, ValueError) as error:
        raise ContractError(
            f"{root}/{MANIFEST} is not a snapshot manifest of this version: {error}"
        ) from error


def _parse(content: Mapping[str, Any]) -> Manifest:
    splits = {}
    for name in ("train", "validation"):
        split = dict(content[name])
        split["files"] = tuple(
            SnapshotFile(file["path"], file["padded_length"], tuple(file["row_groups"]))
            for file in split["files"]
        )
        splits[name] = SnapshotSplit(**{**split, "days": tuple(split["days"])})
    fields = {**content, **splits}
    fields["features"] = FeatureSet.of_plain(fields["features"])
    for name in ("numeric_mean", "numeric_deviation"):
        fields[name] = tuple(fields[name])
    fields["numeric_boundaries"] = tuple(map(tuple, fields.get("numeric_boundaries", ())))
    fields["references"] = read_references(fields.get("references", ()))
    return Manifest(**fields)
