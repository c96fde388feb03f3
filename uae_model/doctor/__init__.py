"""Checks of machine, set-up, registry, tables and feed; nothing is created or changed."""

from uae_model.doctor.data import check_data
from uae_model.doctor.finding import Finding, Status, failed, ok, summary, warning
from uae_model.doctor.machine import check_machine
from uae_model.doctor.setup import check_setup

__all__ = [
    "Finding",
    "Status",
    "check_data",
    "check_machine",
    "check_setup",
    "failed",
    "ok",
    "summary",
    "warning",
]
