"""Counts of slots: what no field counts is the remainder, and several slots add up."""

from __future__ import annotations

from uae_model.ingest.accounting import IngestCounts, StatementCounts


def test_counts_of_several_slots_add_up_to_what_was_read() -> None:
    states = [
        {"read": 10, "quarantined": 1, "inserted": 3, "updated": 2, "forgotten": 1, "rows": 6},
        {"read": 5, "inserted": 5, "withdrawn": 7},  # which it does not hold, so they are none of its rows
    ]
    total = IngestCounts.of(*states)
    assert total == IngestCounts(15, 1, 1, 8, 2, 7)
    assert total.to_dict() == {
        **{"read": 15, "quarantined": 1, "forgotten": 1, "inserted": 8, "updated": 2, "withdrawn": 7},
        "duplicates": 3,
    }
    assert IngestCounts.of() == IngestCounts()


def test_statements_that_say_nothing_new_are_repeated() -> None:
    counts = StatementCounts.of({"read": 9, "quarantined": 1, "added": 5})
    assert counts.to_dict() == {"read": 9, "quarantined": 1, "forgotten": 0, "added": 5, "repeated": 3}
    assert StatementCounts(read=1, added=2).remainder == -1
