"""Sealed text: who has the key reads it, nobody else, and the same text is always sealed alike."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uae_model.core.errors import InputError
from uae_model.ingest.keys import chain_of
from uae_model.ingest.sealing import SEALED, opened, sealer

KEY, OTHER = b"the key of users, first", b"the key of users, other"


def seal(text: str | None, key: bytes = KEY) -> str | None:
    hidden: str | None = sealer(key)(pd.Series([text], dtype=object)).tolist()[0]
    return hidden


@given(st.text(st.characters(codec=None), max_size=60))
def test_what_is_sealed_is_opened_again_and_does_not_show(text: str) -> None:
    hidden = seal(text)
    assert hidden is not None
    assert hidden.startswith(SEALED)
    assert opened(hidden, KEY) == text
    assert hidden == seal(text)
    assert len(text) < 6 or text not in hidden


def test_null_stays_null_and_what_is_not_sealed_stays_as_it_is() -> None:
    assert seal(None) is None
    assert opened(None, KEY) is None
    assert opened("a row of a former version", KEY) == "a row of a former version"


@pytest.mark.parametrize("spoil", [lambda text: text[:-4] + "AAA=", lambda text: SEALED + "no base64!"])
def test_what_was_changed_is_refused(spoil: object) -> None:
    assert callable(spoil)
    with pytest.raises(InputError, match="sealed with another key, or is damaged"):
        opened(spoil(seal("a row")), KEY)


def test_another_key_opens_nothing_and_of_a_chain_the_newest_link_counts() -> None:
    with pytest.raises(InputError, match="another key"):
        opened(seal("a row"), OTHER)
    chain = chain_of((OTHER, KEY))
    assert opened(seal("a row"), chain) == "a row"
