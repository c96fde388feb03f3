"""Feed rows of a block, with the defects of real deliveries, and the truth of its plays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from uae_model.config import FEEDBACK_TYPES
from uae_model.simulation.columns import feature_columns
from uae_model.simulation.hashing import Bools, Floats, Ints, uniform
from uae_model.simulation.listening import Plays, draw_plays
from uae_model.simulation.world import Block, World

DAY_MS = 86_400_000
BOT_USER = "bot-1"
BOT_STEP_MS = 20_000
BOT_EVERY_DAYS = 3

CORE = pa.schema(
    [
        ("slot", pa.date32()),
        ("event_id", pa.string()),
        ("user_id", pa.string()),
        ("song_id", pa.string()),
        ("played_at", pa.string()),
        ("played_ms", pa.int64()),
        ("feedback", pa.string()),
    ]
)

TRUTH = pa.schema(
    [
        ("event_id", pa.string()),
        ("attended", pa.bool_()),
        ("attention", pa.float64()),
        ("propensity", pa.float64()),
        ("relevance", pa.int32()),
        ("liking", pa.float64()),
        ("simulated_session", pa.int64()),
        ("dt", pa.date32()),
    ]
)


@dataclass(frozen=True)
class Defects:
    """Shares of rows that real feeds spoil, and the plays of the bot on its days (0: no bot)."""

    duplicated: float = 0.005
    late: float = 0.003
    bad: float = 0.001
    bot_plays: int = 0


CLEAN = Defects(duplicated=0.0, late=0.0, bad=0.0)


def feed_rows(world: World, block: Block, features: list[str], defects: Defects) -> pa.Table:
    """Return the rows that a block delivers: the columns of ``CORE``, then the features.

    ``slot`` is the day of the delivery: the UTC day of the play, or up to two days later for a late one.
    Duplicates are exact copies; bad rows are spoilt copies with ids of their own, so every play of the
    truth has one good row. The bot plays on every third day from the third on.
    """
    plays = draw_plays(world, block)
    id_N = _event_numbers(world, plays)
    time_ms_N = _epoch_ms(world, block) + plays.start_ms_N
    late_N = _chosen(world, "late", id_N, defects.late)
    delay_N = 1 + (uniform(world.seed, "delay", id_N) < 0.3)
    last_slot = _epoch_ms(world, Block(world.days, 0)) // DAY_MS
    slot_N = np.minimum(time_ms_N // DAY_MS + np.where(late_N, delay_N, 0), last_slot)
    core = {
        "slot": pa.array(slot_N.astype(np.int32)).cast(pa.date32()),
        "event_id": _numbered("e", id_N),
        "user_id": _numbered("user", plays.user_N),
        "song_id": _numbered("song", plays.song_N),
        "played_at": _iso(time_ms_N),
        "played_ms": pa.array(plays.played_ms_N),
        "feedback": pa.array(FEEDBACK_TYPES).take(pa.array(plays.feedback_N)),
    }
    rows = pa.table({**core, **feature_columns(features, world, plays)})
    copies = rows.filter(pa.array(_chosen(world, "duplicated", id_N, defects.duplicated)))
    bad_N = _chosen(world, "bad", id_N, defects.bad)
    spoilt = _spoilt(rows.filter(pa.array(bad_N)), world, id_N[bad_N])
    parts = [rows, copies, spoilt]
    if _has_bot(block, defects):
        parts.append(_bot_rows(world, block, rows, defects.bot_plays))
    return pa.concat_tables(parts).combine_chunks()


def truth_rows(world: World, block: Block, defects: Defects) -> pa.Table:
    """Return what is true of each play of a block, the bot's included."""
    plays = draw_plays(world, block)
    time_ms_N = _epoch_ms(world, block) + plays.start_ms_N
    truth = pa.table(
        {
            "event_id": _numbered("e", _event_numbers(world, plays)),
            "attended": plays.attended_N,
            "attention": plays.attention_N,
            "propensity": plays.propensity_N,
            "relevance": pa.array(plays.relevance_N.astype(np.int32)),
            "liking": plays.liking_N,
            "simulated_session": plays.session_N,
            "dt": pa.array((time_ms_N // DAY_MS).astype(np.int32)).cast(pa.date32()),
        }
    ).cast(TRUTH)
    if not _has_bot(block, defects):
        return truth
    count = defects.bot_plays
    nothing: Floats = np.zeros(count)
    day = np.full(count, _epoch_ms(world, block) // DAY_MS, dtype=np.int32)
    bot = {
        "event_id": _bot_events(block, count),
        "attended": np.zeros(count, bool),
        "attention": nothing,
        "propensity": nothing,
        "relevance": nothing.astype(np.int32),
        "liking": nothing,
        "simulated_session": np.full(count, -1 - block.day),
        "dt": pa.array(day).cast(pa.date32()),
    }
    return pa.concat_tables([truth, pa.table(bot).cast(TRUTH)]).combine_chunks()


@dataclass(frozen=True)
class BlockCounts:
    """Counts of a block's plays, to be summed over blocks."""

    plays: int
    sessions: int
    active: int
    attended: int
    pairs: int
    pairs_after_active: int
    active_after_active: int
    active_after_passive: int


def block_counts(world: World, block: Block) -> BlockCounts:
    """Return the counts behind P(active), P(a|a) and P(a|p)."""
    plays = draw_plays(world, block)
    same_N = plays.session_N[1:] == plays.session_N[:-1]
    before_N, after_N = plays.active_N[:-1] & same_N, plays.active_N[1:] & same_N
    return BlockCounts(
        plays=len(plays.session_N),
        sessions=len(np.unique(plays.session_N)),
        active=int(plays.active_N.sum()),
        attended=int(plays.attended_N.sum()),
        pairs=int(same_N.sum()),
        pairs_after_active=int(before_N.sum()),
        active_after_active=int((before_N & after_N).sum()),
        active_after_passive=int((after_N & ~before_N).sum()),
    )


def _event_numbers(world: World, plays: Plays) -> Ints:
    """Return a number for each play that depends on its session and its place there."""
    starts = np.flatnonzero(np.diff(plays.session_N, prepend=-1))
    lengths = np.diff(np.append(starts, len(plays.session_N)))
    position = np.arange(len(plays.session_N)) - np.repeat(starts, lengths)
    return plays.session_N * world.numbers_per_session + position


def _chosen(world: World, defect: str, id_N: Ints, share: float) -> Bools:
    return uniform(world.seed, defect, id_N) < share


def _epoch_ms(world: World, block: Block) -> int:
    first = world.first_day
    midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return int(midnight.timestamp()) * 1000 + block.day * DAY_MS


def _numbered(prefix: str, number_N: Ints) -> pa.Array:
    return pa.array([f"{prefix}-{number}" for number in number_N.tolist()], pa.string())


def _iso(time_ms_N: Ints) -> pa.Array:
    text_N = np.datetime_as_string(time_ms_N.astype("datetime64[ms]"), unit="ms", timezone="UTC")
    return pa.array(text_N.tolist(), pa.string())


def _has_bot(block: Block, defects: Defects) -> bool:
    is_bot_day = block.day % BOT_EVERY_DAYS == BOT_EVERY_DAYS - 1
    return defects.bot_plays > 0 and is_bot_day and block.index == 0


def _bot_events(block: Block, count: int) -> pa.Array:
    return pa.array([f"bot-{block.day}-{number}" for number in range(count)], pa.string())


def _bot_rows(world: World, block: Block, rows: pa.Table, count: int) -> pa.Table:
    """Return the bot's plays: the block's first songs over and over, every twenty seconds from 00:10."""
    bot = rows.take(pa.array(np.arange(count) % min(100, rows.num_rows)))
    start = _epoch_ms(world, block) + 600_000
    day = np.full(count, start // DAY_MS, dtype=np.int32)
    return _with(
        bot,
        slot=pa.array(day).cast(pa.date32()),
        event_id=_bot_events(block, count),
        user_id=pa.array([BOT_USER] * count),
        played_at=_iso(start + np.arange(count) * BOT_STEP_MS),
        played_ms=pa.array(np.full(count, BOT_STEP_MS)),
        feedback=pa.array(["auto_play"] * count),
    )


def _spoilt(rows: pa.Table, world: World, id_N: Ints) -> pa.Table:
    """Return copies with ids of their own, each with one of five defects."""
    kind = (uniform(world.seed, "kind of defect", id_N) * 5).astype(np.int64)

    def where(defect: int, name: str, value: object) -> pa.Array:
        kept = rows[name].to_pylist()
        values = [value if kind[row] == defect else kept[row] for row in range(len(kept))]
        return pa.array(values, rows.schema.field(name).type)

    spoilt = _with(
        rows,
        event_id=_numbered("bad", id_N),
        played_at=where(0, "played_at", "yesterday evening"),
        feedback=where(1, "feedback", "scroll"),
        song_id=where(2, "song_id", None),
        played_ms=where(3, "played_ms", -1),
    )
    future = pa.array(
        [
            "2199-01-01T00:00:00.000Z" if kind[row] == 4 else text
            for row, text in enumerate(spoilt["played_at"].to_pylist())
        ],
        pa.string(),
    )
    return _with(spoilt, played_at=future)


def _with(table: pa.Table, **columns: pa.Array) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, values)
    return table
