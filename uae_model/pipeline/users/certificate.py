"""The certificate of a forgetting: what was searched, what was removed, what remains and until when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from uae_model.core.atomic import write_whole
from uae_model.core.digests import NAME_DIGITS, json_digest
from uae_model.pages.markdown import markdown_table

FOLDER = "forgotten"
"""Where certificates lie, below ``paths.reports``."""


@dataclass(frozen=True)
class Searched:
    """A table, and the rows of these users that were taken out of it, on so many days."""

    table: str
    rows: int
    days: int = 0


@dataclass(frozen=True)
class Remaining:
    """What is left, and until when."""

    what: str
    until: str


@dataclass(frozen=True)
class Certificate:
    """What became of the data of some users. It holds no id of theirs, raw or pseudonym.

    Attributes:
        made_at: when.
        reference: of the request, as the operator gave it.
        users: how many.
        digests: their entries in table ``forgotten``: who has the key and a raw id can tell whether it is
            one.
        searched: the tables.
        folders: copies of plays beside the tables that were removed whole.
        republished: days whose publication pins rows without these users now.
        withdrawn: days that had no other rows, and are published no more.
        accepted: checks that a day without these users fails, by day; they were overruled.
        vacuumed: tables whose old versions were removed.
        remaining: what is left.
    """

    made_at: datetime
    reference: str | None
    users: int
    digests: tuple[str, ...]
    searched: tuple[Searched, ...]
    folders: tuple[str, ...]
    republished: tuple[str, ...]
    withdrawn: tuple[str, ...]
    accepted: dict[str, list[str]]
    vacuumed: tuple[str, ...]
    remaining: tuple[Remaining, ...]

    @property
    def name(self) -> str:
        """What its files are called."""
        digest = json_digest([*self.digests, self.made_at.isoformat()], NAME_DIGITS)
        return f"{self.made_at:%Y-%m-%d}-{digest}"

    @property
    def rows(self) -> int:
        """Rows that were taken out, of all tables."""
        return sum(table.rows for table in self.searched)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "made_at": self.made_at.isoformat(timespec="seconds"), "rows": self.rows}

    def to_markdown(self) -> str:
        """Return it as a page."""
        reference = f", reference {self.reference}" if self.reference else ""
        tables = [(table.table, f"{table.rows:,}", f"{table.days:,}") for table in self.searched]
        return "\n\n".join(
            [
                f"# Forgotten: {self.users} users",
                f"{self.made_at:%Y-%m-%d %H:%M} UTC{reference}.",
                "## What was searched and removed",
                markdown_table(("table", "rows removed", "days"), tables),
                _listed("Copies of plays that were removed whole", self.folders),
                _listed("Days that were published again without these users", self.republished),
                _listed("Days that held nobody else, and are published no more", self.withdrawn),
                _listed("Checks that these days fail now, overruled", _by_day(self.accepted)),
                _listed("Tables whose old versions were removed", self.vacuumed),
                "## What remains, and until when",
                markdown_table(
                    ("what", "until"), [(item.what, item.until) for item in self.remaining], labels=2
                ),
                "## Who they are",
                "Entries of table `forgotten`, which the feed is compared with at every ingest; who has the "
                "key and "
                "a raw id can tell whether it is one of them:",
                "\n".join(f"- `{digest}`" for digest in self.digests),
            ]
        )


def write_certificate(certificate: Certificate, reports: str) -> str:
    """Write a certificate as JSON and as a page; return the page's path."""
    path = f"{reports.rstrip('/')}/{FOLDER}/{certificate.name}"
    write_whole(f"{path}.json", json.dumps(certificate.to_dict(), indent=1) + "\n")
    write_whole(f"{path}.md", certificate.to_markdown() + "\n")
    return f"{path}.md"


def _listed(what: str, items: Sequence[str]) -> str:
    return f"{what}: {', '.join(items) if items else 'none'}."


def _by_day(accepted: dict[str, list[str]]) -> list[str]:
    return [f"{day} ({', '.join(codes)})" for day, codes in sorted(accepted.items())]
