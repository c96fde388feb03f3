"""A new key: every pseudonym and all that is made of it changes, everything else stays, and nights go on."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from tests.pipeline.building import opened_quarantine
from tests.pipeline.users.nights import (
    ANN,
    REGISTRY,
    SECOND,
    THIRD,
    deliver,
    holding,
    ids_of,
    opened,
    planned,
    pseudonym_of,
    scoring,
)
from uae_model.core.errors import ConfigError
from uae_model.ingest.keys import fingerprint_of
from uae_model.lake import TableStore, rewrites
from uae_model.pipeline.ingest import ingest_day
from uae_model.pipeline.nightly import run_night
from uae_model.pipeline.users import rekey as module
from uae_model.pipeline.users.forget import forget
from uae_model.pipeline.users.rekey import rekey
from uae_model.readers.spark import read_weights

pytestmark = pytest.mark.slow
NEW = "n" * 40
NEW_KEY = "paths.hmac_key_file=new.key"


@pytest.fixture(autouse=True)
def _new_key(folder: Path) -> None:
    (folder / "new.key").write_text(f"{NEW}\n")


def content(store: TableStore, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table, in an order, without ids and sketches that are made of pseudonyms."""
    left_out = {"user_id", "session_id", "event_id", "key", "raw", "value", "row"}
    left_out |= {column for column, kind in store.read(name).dtypes if kind == "binary"}
    rows = [row.asDict() for row in store.read(name).collect()]
    plain = [{column: value for column, value in row.items() if column not in left_out} for row in rows]
    return sorted(plain, key=repr)


def test_pseudonyms_change_and_nothing_else(spark: SparkSession, folder: Path) -> None:
    store = opened(spark, folder)
    former = pseudonym_of(store, ANN)
    former_ids = [one for one in ids_of(store, former) if not one.startswith("ann-")]
    assert len(former_ids) == 1 + 3 + 2  # pseudonym, events without ids, sessions
    names = ("events", "plays", "features", "scores", "weights", "users", "quarantine", "feature_partials")
    before = {name: content(store, name) for name in names}
    quarantined = opened_quarantine(store)
    told = rekey(store, str(folder / "new.key"), vacuums=True)
    assert (told["pinned_days"], len(told["removed_copies"])) == (2, 2)
    assert holding(folder, former_ids) == {}
    again = opened(spark, folder, NEW_KEY)
    new = pseudonym_of(again, ANN)
    assert new == hmac.new(NEW.encode(), former.encode(), hashlib.sha256).hexdigest()
    assert {name: content(again, name) for name in names} == before
    assert len(ids_of(again, new)) == 1 + 9 + 2
    assert [row["raw"] for row in opened_quarantine(again)] == [row["raw"] for row in quarantined]

    # What is published is read under the new pseudonyms, and the memory has no reason to build anything.
    rows = read_weights(spark, again.config.paths.tables, SECOND, THIRD)
    assert rows.where(F.col("user_id") == new).count() == 6
    assert rows.count() == 12
    assert planned(again) == []
    # The same slots give the same events, also where their ids are made of pseudonyms.
    deliver(folder, SECOND, more=[{"event_id": "more", "user_id": "u1"}])
    counts = ingest_day(opened(spark, folder, NEW_KEY), SECOND)
    assert (counts["inserted"], counts["withdrawn"], counts["duplicates"]) == (0, 0, 6)
    with scoring():
        run_night(opened(spark, folder, NEW_KEY), REGISTRY, THIRD)

    with pytest.raises(ConfigError, match=f"fingerprint {told['fingerprint']}"):
        run_night(opened(spark, folder), REGISTRY, THIRD)


def test_a_change_that_dies_is_finished_by_the_same_command_and_the_next_one_lengthens_the_chain(
    spark: SparkSession, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forget(opened(spark, folder), ["u9"])
    store, file = opened(spark, folder), str(folder / "new.key")
    before = {name: content(store, name) for name in ("events", "plays", "weights", "feature_partials")}
    rewrite = rewrites.rewrite

    def dies(store: TableStore, name: str, *others: Any, **options: Any) -> None:
        rewrite(store, name, *others, **options)
        if name == "plays":
            raise RuntimeError("killed")  # between the commit and the note of it

    with monkeypatch.context() as patch:
        patch.setattr(module, "rewrite", dies)
        with pytest.raises(RuntimeError, match="killed"):
            rekey(store, file)
    for override in ((), (NEW_KEY,)):
        with pytest.raises(ConfigError, match="was begun and not finished; run the same uae rekey again"):
            ingest_day(opened(spark, folder, *override), SECOND)
    (folder / "third.key").write_text("t" * 40)
    with pytest.raises(ConfigError, match="was begun and not finished; run it again with its file first"):
        rekey(opened(spark, folder), str(folder / "third.key"))
    rekey(opened(spark, folder), file)
    again = opened(spark, folder, NEW_KEY)
    assert {name: content(again, name) for name in before} == before
    assert len(ids_of(again, pseudonym_of(again, ANN))) == 1 + 9 + 2
    assert planned(again) == []

    rekey(again, str(folder / "third.key"))
    assert (folder / "third.key").read_bytes().split() == [b"uae-key-chain", b"k" * 32, b"n" * 40, b"t" * 40]
    assert (folder / "third.key").stat().st_mode & 0o777 == 0o600
    # Who was forgotten under the first key stays so under the third.
    deliver(folder, SECOND, more=[{"event_id": "more", "user_id": "u1"}])
    counts = ingest_day(opened(spark, folder, "paths.hmac_key_file=third.key"), SECOND)
    assert (counts["forgotten"], counts["inserted"], counts["duplicates"]) == (1, 0, 5)


def test_a_file_without_a_new_secret_and_a_key_of_other_tables_are_refused(
    spark: SparkSession, folder: Path
) -> None:
    store, file = opened(spark, folder), folder / "new.key"
    versions = [store.latest_version(name) for name in ("events", "users", "quarantine")]
    for text in ("k" * 32, f"uae-key-chain\n{'x' * 32}\n{NEW}", "short"):
        file.write_text(text)
        with pytest.raises(ConfigError, match=r"new\.key: holds"):
            rekey(store, str(file))
        assert file.read_text() == text
    file.write_text(NEW)
    (folder / "hmac.key").write_text("w" * 32)
    with pytest.raises(ConfigError, match=f"fingerprint {fingerprint_of(b'k' * 32)}"):
        rekey(opened(spark, folder), str(file))
    assert [store.latest_version(name) for name in ("events", "users", "quarantine")] == versions
