"""How much a redelivery may take back."""

from __future__ import annotations

import pytest

from uae_model.core.errors import DeliveryRefusedError
from uae_model.ingest.redelivery import require_few


@pytest.mark.parametrize(("withdrawn", "before"), [(0, 0), (0, 9), (1, 10)])
def test_up_to_the_share_is_taken_back(withdrawn: int, before: int) -> None:
    require_few("dt=2026-01-05", withdrawn, before, 0.1, "uae ingest")


def test_more_is_refused_with_the_numbers_and_the_remedy() -> None:
    with pytest.raises(DeliveryRefusedError) as failure:
        require_few("dt=2026-01-05", 2, 5, 0.1, "uae ingest --date 2026-01-05 --accept-withdrawn")
    assert str(failure.value) == (
        "feed slot dt=2026-01-05 was delivered again without 2 of the 5 events that it brought before "
        "(40.0%, feed.max_withdrawn_share = 0.1); nothing was changed: deliver it whole, or take them back: "
        "uae ingest --date 2026-01-05 --accept-withdrawn"
    )
    assert failure.value.exit_code == 4
