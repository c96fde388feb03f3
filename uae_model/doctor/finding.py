"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is; only FAILED stops a run."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Finding:
    """The result of one check: one line, with the fix where there is something to mend."""

    name: str
    status: Status
    found: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.status.value:<8} {self.name}: {self.found}"
        return f"{line} -> {self.fix}" if self.fix else line


def ok(name: str, found: str) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(name, Status.OK, found)


def warning(name: str, found: str, fix: str = "") -> Finding:
    """Return a finding that a run survives."""
    return Finding(name, Status.WARNING, found, fix)


def failed(name: str, found: str, fix: str) -> Finding:
    """Return a finding that a run does not survive, with its fix."""
    return Finding(name, Status.FAILED, found, fix)


def summary(findings: list[Finding]) -> dict[str, object]:
    """Return the counts by status and the names of what is not ok, for the last line."""
    named = {status: [each.name for each in findings if each.status is status] for status in Status}
    return {
        "ok": len(named[Status.OK]),
        "warnings": len(named[Status.WARNING]),
        "failed": len(named[Status.FAILED]),
        "warning_checks": named[Status.WARNING],
        "failed_checks": named[Status.FAILED],
    }
