"""What the tests of the doctor share."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from uae_model.doctor import Finding

KEY = "an-hmac-key-of-thirty-two-bytes!"
TODAY = date(2026, 1, 10)


def java_stub(folder: Path, body: str) -> dict[str, str]:
    """Put a java that runs ``body`` on a PATH of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\n{body}\n")
    java.chmod(0o755)
    return {"PATH": str(folder)}


def by_name(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}
