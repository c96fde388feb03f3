"""The evaluation as a document: sentences, tables and figures, as Markdown, HTML and for the report.

Imports no torch: the report shows a document that an evaluation wrote.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from markupsafe import Markup

from uae_model.core.any_storage import filesystem_of
from uae_model.core.atomic import write_whole
from uae_model.pages.markdown import markdown_table
from uae_model.pages.templates import page_environment

NAME = re.compile(r"evaluation-(\d{4}-\d{2}-\d{2})\.json")


@dataclass(frozen=True)
class TextTable:
    """Cells of text under a caption; the first ``labels`` columns name the row."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int

    def to_markdown(self) -> str:
        """Return the table with its caption above it."""
        return f"**{self.caption}**\n\n{markdown_table(self.header, self.rows, self.labels)}"


@dataclass(frozen=True)
class Figure:
    """An SVG element and what it shows."""

    caption: str
    svg: str

    @property
    def element(self) -> Markup:
        """The element for a template, unescaped."""
        return Markup(self.svg)  # noqa: S704 - drawn by us


@dataclass(frozen=True)
class Document:
    """What an evaluation has to say.

    Attributes:
        title: of the page.
        verdict: the answer in one sentence; empty where there is none.
        findings: what was found and what was not, in sentences.
        notes: how it was measured.
        tables: in their order.
        figures: in their order.
    """

    title: str
    findings: tuple[str, ...]
    notes: tuple[str, ...]
    tables: tuple[TextTable, ...]
    figures: tuple[Figure, ...] = ()
    verdict: str = ""

    def to_markdown(self) -> str:
        """Return everything but the figures."""
        listed = "\n".join(f"- {sentence}" for sentence in self.findings)
        answer = [f"**{self.verdict}**"] if self.verdict else []
        parts = [
            f"# {self.title}",
            *answer,
            listed,
            *self.notes,
            *(table.to_markdown() for table in self.tables),
        ]
        return "\n\n".join(parts) + "\n"

    def to_html(self) -> str:
        """Return one page that needs nothing else."""
        return page_environment(Path(__file__).parent).get_template("evaluation.jinja").render(document=self)

    def to_json(self) -> str:
        """Return the document for ``from_json``."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Document:
        """Return the document that ``to_json`` wrote."""
        content = json.loads(text)
        tables = [
            TextTable(
                caption=table["caption"],
                header=tuple(table["header"]),
                rows=tuple(map(tuple, table["rows"])),
                labels=table["labels"],
            )
            for table in content["tables"]
        ]
        return cls(
            title=content["title"],
            findings=tuple(content["findings"]),
            notes=tuple(content["notes"]),
            tables=tuple(tables),
            figures=tuple(Figure(**figure) for figure in content["figures"]),
            verdict=content.get("verdict", ""),  # documents of before have none
        )


def write_document(document: Document, folder: str, last: date) -> dict[str, str]:
    """Write the document of the evaluation whose last test day is ``last``; return the path of each form."""
    contents = {"md": document.to_markdown(), "html": document.to_html(), "json": document.to_json()}
    written = {}
    for kind, text in contents.items():
        written[kind] = f"{folder.rstrip('/')}/evaluation-{last}.{kind}"
        write_whole(written[kind], text)
    return written


def read_newest_document(folder: str, until: date) -> Document | None:
    """Return the document with the latest last test day up to ``until``; None where there is none."""
    filesystem, base = filesystem_of(folder.rstrip("/"))
    if not filesystem.exists(base):
        return None
    names = [path.rpartition("/")[2] for path in filesystem.ls(base, detail=False)]
    days = [match[1] for name in names if (match := NAME.fullmatch(name)) and match[1] <= until.isoformat()]
    if not days:
        return None
    with filesystem.open(f"{base}/evaluation-{max(days)}.json", "r", encoding="utf-8") as file:
        return Document.from_json(file.read())
