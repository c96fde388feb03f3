"""Where the raw feed lies, which of it has been delivered, and how far it reaches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from pyspark.sql import SparkSession

from uae_model.config import Config, Dimension
from uae_model.core.dates import midnight
from uae_model.core.digests import lines_digest
from uae_model.core.errors import InputError
from uae_model.core.logs import log
from uae_model.ingest.listing import Listing, list_slot
from uae_model.lake import files

END_OF_TIME = datetime.max


@dataclass(frozen=True)
class Slot:
    """A part of the feed that is delivered as a whole: a day, an hour, or all of a static dataset.

    ``day`` is None for a static dataset, whose rows may lie on any day.
    """

    name: str
    path: str
    day: date | None
    ends: datetime | None


class Feed:
    """The feed of plays that ``paths.feed`` describes, or that of a dimension.

    Slots of a dimension have names of their own: ``songs/dt=2026-01-05``.
    """

    def __init__(self, spark: SparkSession, config: Config, dimension: Dimension | None = None) -> None:
        self._spark = spark
        self._template = dimension.feed if dimension else config.paths.feed
        self._prefix = f"{dimension.table}/" if dimension else ""
        self._format = dimension.format if dimension else config.feed.format
        self._marker = config.feed.complete_marker
        if "{hour}" in self._template and "{date}" not in self._template:
            raise InputError(f"paths.feed = {self._template!r}: {{hour}} needs {{date}} beside it")

    @property
    def is_static(self) -> bool:
        """Whether the feed is one complete dataset rather than a delivery by date."""
        return "{date}" not in self._template

    def slots(self, day: date) -> list[Slot]:
        """Return the slots of a day in order: one, or 24 for hourly delivery."""
        if self.is_static:
            return [self._slot(None, self._template, None)]
        dated = self._template.replace("{date}", day.isoformat())
        if "{hour}" not in dated:
            return [self._slot(day, dated, midnight(day) + timedelta(days=1))]
        return [
            self._slot(
                day,
                dated.replace("{hour}", f"{hour:02d}"),
                midnight(day) + timedelta(hours=hour + 1),
            )
            for hour in range(24)
        ]

    def is_complete(self, slot: Slot) -> bool:
        """Tell whether a slot has been delivered whole.

        A static dataset that exists is complete, and so is a slot where no marker is configured.
        """
        if slot.day is None or not self._marker:
            return files.exists(self._spark, slot.path)
        return files.exists(self._spark, f"{slot.path}/{self._marker}")

    def complete_slots(self, first: date, until: datetime) -> Iterator[Slot]:
        """Yield the complete slots from midnight of ``first`` on, up to the first gap or past ``until``."""
        day = first
        while midnight(day) < until:
            for slot in self.slots(day):
                if not self.is_complete(slot):
                    return
                yield slot
                if slot.ends is None or slot.ends >= until:
                    return
            day += timedelta(days=1)

    def files(self, slot: Slot) -> Listing:
        """Return the data files of a slot: the ones that are read.

        Raises:
            InputError: if there are none.
        """
        listing = list_slot(self._spark, slot.path, self._format)
        if not listing.data:
            others = f"; left out as no data of format {self._format}: " if listing.left_out else ""
            raise InputError(
                f"feed slot {slot.name}: no data files under {slot.path}{others}{listing.some_left_out}"
            )
        if listing.left_out:
            log("files that are no data are left out", slot=slot.name, files=listing.some_left_out)
        return listing

    def fingerprint(self, slot: Slot, listing: Listing | None = None) -> str:
        """Return a digest of the slot's data files (names, sizes, times): the same digest, nothing new."""
        data = (listing or self.files(slot)).data
        return lines_digest(f"{file.path} {file.size} {file.modified_ms}" for file in data)

    def _slot(self, day: date | None, path: str, ends: datetime | None) -> Slot:
        # The constant part of the template is the same for all slots; the rest names one.
        constant = self._template.partition("{date}")[0].rsplit("/", 1)[0] + "/"
        return Slot(name=self._prefix + path.removeprefix(constant), path=path, day=day, ends=ends)


def reach(slots: list[Slot]) -> datetime | None:
    """Return the instant up to which the input is complete; None without a complete slot."""
    if not slots:
        return None
    return slots[-1].ends or END_OF_TIME
