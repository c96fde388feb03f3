"""Section ``feed`` of the configuration: which files hold the plays, and how they are read."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, get_args

from pydantic import Field

from uae_model.config.base import Share, TextFiles, TimeFormat

Feedback = Literal["like", "share", "download", "skip", "dislike", "auto_play"]
FEEDBACK_TYPES: tuple[Feedback, ...] = (
    "like",
    "share",
    "download",
    "skip",
    "dislike",
    "auto_play",
)

FeedFormat = Literal["parquet", "jsonl", "csv", "mssd", "30music", "spotify", "yambda", "deezer", "lastfm1k"]
FEED_FORMATS: tuple[FeedFormat, ...] = get_args(FeedFormat)

FEED_TARGETS = ("event_id", "user_id", "song_id", "played_at", "played_ms", "feedback")
"""What is read of every play, beside the features."""

WAITING_NIGHTS = 6
"""Nights that late events may wait where ``feed.reopen`` is weekly: days are built again once a week."""


class FeedSettings(TextFiles):
    """How the raw feed is read."""

    format: FeedFormat = Field(
        default="parquet", description="File format, or a dataset with rules of its own"
    )
    accept_empty_slots: bool = Field(
        default=False,
        description="Whether a slot whose files hold no rows is right, rather than an error; of a dimension, "
        "files that name their columns always are",
    )
    listener_level: int = Field(
        default=1,
        ge=1,
        description="Folder below a slot that stands for the listener, in exports that name nobody",
    )
    earliest_date: date = Field(
        default=date(2000, 1, 1),
        description="A play before this day is quarantined: a clock that was never set says 1970",
    )
    complete_marker: str = Field(
        default="_SUCCESS",
        description="File that says a slot is complete; empty: a slot that exists is complete",
    )
    columns: dict[str, str] = Field(
        default={},
        description="Names that differ in the feed, as target = source: of event_id, user_id, song_id, "
        "played_at, played_ms, feedback and feed features",
    )
    time_format: TimeFormat = Field(default="iso", description="How played_at is written")
    played_unit: Literal["milliseconds", "seconds"] = Field(
        default="milliseconds", description="Unit in which the feed states played_ms"
    )
    time_of: Literal["start", "end"] = Field(
        default="start", description="Whether the feed's time is the start or the end of the play"
    )
    feedback_map: dict[str, Feedback] = Field(
        default={name: name for name in FEEDBACK_TYPES},
        description='Feedback type of each source value, an empty one included ("" = "auto_play"); a value '
        "that is not listed is quarantined",
    )
    listened_share: Share = Field(
        default=0.5,
        description="Share of a song below which a play counts as skipped (datasets that tell the share)",
    )
    action_minutes: Annotated[float, Field(ge=0)] = Field(
        default=10.0,
        description="How long after the end of a play an action on its song still belongs to it "
        "(datasets with actions as rows of their own)",
    )
    late_days: int = Field(
        default=3,
        ge=0,
        le=30,
        description="Days a night reopens for late events; older rows are quarantined",
    )
    reopen: Literal["nightly", "weekly"] = Field(
        default="nightly",
        description="When a night builds earlier days again whose events have changed: nightly, at once; "
        "weekly, once the first of them has waited for six nights, all together",
    )
    reopen_share: Share = Field(
        default=0.01,
        description="Share of a day's events beyond which late ones do not wait, where feed.reopen is weekly",
    )
    max_withdrawn_share: Share = Field(
        default=0.1,
        description="Share of a slot's events that a second delivery may take back by not holding them; "
        "beyond it the delivery is refused (uae ingest --accept-withdrawn takes it all the same)",
    )
    future_hours: Annotated[float, Field(ge=0)] = Field(
        default=1.0,
        description="How far past its slot's day a play may start before it is quarantined",
    )

    @property
    def reach_days(self) -> int:
        """Days before a night's own that it may build again.

        A late event may reach back ``late_days``, and moves the end of sessions begun a day earlier still;
        where days wait, they stay in reach as much longer.
        """
        return self.late_days + 1 + (WAITING_NIGHTS if self.reopen == "weekly" else 0)

    def source_column(self, target: str) -> str:
        """Return the feed's name of a column."""
        return self.columns.get(target, target)
