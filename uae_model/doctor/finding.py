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
    """The result of one check: one line, with the fix where there is one."""

    name: str
    status: Status
    detail: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.status.value:<8} {self.name}: {self.detail}"
        return f"{line} -> {self.fix}" if self.fix else line


def ok(name: str, detail: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(name, Status.OK, detail)


def warning(name: str, detail: str, fix: str = "") -> Finding:
    """Return a finding that does not stop a run."""
    return Finding(name, Status.WARNING, detail, fix)


def failed(name: str, detail: str, fix: str) -> Finding:
    """Return a finding that stops a run, with its fix."""
    return Finding(name, Status.FAILED, detail, fix)


def summary(findings: list[Finding]) -> dict[str, object]:
    """Return the counts by status and the names of what is not ok, for the last line."""
    named = {status: [finding.name for finding in findings if finding.status is status] for status in Status}
    return {
        "ok": len(named[Status.OK]),
        "warnings": len(named[Status.WARNING]),
        "failed": len(named[Status.FAILED]),
        "warning_checks": named[Status.WARNING],
        "failed_checks": named[Status.FAILED],
    }
