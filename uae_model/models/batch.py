"""The batch that loader, estimators and inference share."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class SessionBatch:
    """Sessions padded to one length.

    ``categorical_BTF`` int64 bucket numbers, ``numeric_BTF`` float32 with NaN for missing values,
    ``feedback_BT`` float32 e (1 = active), ``mask_BT`` bool, true on real plays.
    """

    categorical_BTF: Tensor
    numeric_BTF: Tensor
    feedback_BT: Tensor
    mask_BT: Tensor

    @property
    def sessions(self) -> int:
        """Number of sessions B."""
        return self.mask_BT.shape[0]

    @property
    def plays(self) -> int:
        """Number of real plays."""
        return int(self.mask_BT.sum())

    def to(self, device: torch.device) -> SessionBatch:
        """Return the batch on a device."""
        if device.type == "cpu":
            return self
        return SessionBatch(
            self.categorical_BTF.to(device),
            self.numeric_BTF.to(device),
            self.feedback_BT.to(device),
            self.mask_BT.to(device),
        )


def length_mask(length_B: Tensor, steps: int) -> Tensor:
    """Return mask_BT: true where the step index is below the session's length."""
    return torch.arange(steps, device=length_B.device) < length_B.unsqueeze(1)
