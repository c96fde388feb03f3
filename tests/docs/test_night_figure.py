"""The picture of a night in the architecture page shows the steps that there are, and what they read."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.builders import DAY
from tests.docs.pages import ROOT
from uae_model.config import Config
from uae_model.pipeline.steps import steps_of_night

BOX = re.compile(r'<tspan font-weight="bold">(\w+)</tspan>\s+([\w, ]+) → ([\w, ]+)</text>')
STANDS_FOR = {
    "partials": ["feature_partials"],
    "dimensions": ["users", "songs"],
    "health": ["feature_health"],
}


def named(text: str) -> set[str]:
    return {table for name in text.split(", ") for table in STANDS_FOR.get(name, [name])}


def test_the_figure_shows_every_step_in_its_order_and_what_it_reads(
    make_config: Callable[..., Config],
) -> None:
    boxes = BOX.findall((ROOT / "docs" / "assets" / "night.svg").read_text())
    songs = '[{entity="song", feed="songs/{date}", format="jsonl", attributes={label="categorical"}}]'
    attribute = '{name="song_label", role="preference", kind="categorical", buckets=8, source="song.label"}'
    aggregate = '{name="n", role="context", aggregate={entity=["user"], function="count", windows=[7]}}'
    config = make_config(
        f"dimensions={songs}", f"features=[{attribute}, {aggregate}]", "publication.feature_health=true"
    )
    steps = steps_of_night(config)
    assert len(boxes) == len(steps)
    for (name, read, written), step in zip(boxes, steps, strict=True):
        tables = {unit.table for unit in step.reads(DAY, config)} | set(step.undated(config))
        # The day before tells which sessions go on: its own table is no arrow.
        assert tables - {step.table} <= named(read), name
        if step.table != "feed":
            assert step.table in named(written), name
            assert named(read) - tables <= {"model", *STANDS_FOR["dimensions"]}, name
