"""From matplotlib to small inline SVG: themable by CSS, without ids that clash, links or dates."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from uae_model.pages.templates import page_environment

INK, MUTED, GRID = "#010101", "#020202", "#030303"
ACTIVE, PASSIVE, SURFACE = "#040404", "#050505", "#060606"
COLOURS = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    ACTIVE: "var(--active)",
    PASSIVE: "var(--passive)",
    SURFACE: "var(--surface)",
}
"""Stand-ins that matplotlib draws with; the page's style sheet decides what they look like, light or dark."""

WIDTH = 5.6
"""Inches. 403 units of the view box: text stays readable when a phone shows the plot 340 pixels wide."""

STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 11.5,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": GRID,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelsize": 11.5,
    "axes.titlesize": 11.5,
    "axes.titlecolor": MUTED,
    "axes.titlelocation": "left",
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "ytick.major.size": 0,
    "xtick.major.size": 3,
    "lines.linewidth": 2,
}


@contextmanager
def plot_style() -> Iterator[None]:
    """Draw in the report's style, whatever the machine's matplotlib settings are."""
    with mpl.rc_context():
        mpl.rcdefaults()
        for name, value in STYLE.items():
            mpl.rcParams[name] = value  # type: ignore[index]  # matplotlib lists its keys as literals
        yield


def new_figure(height: float, rows: Sequence[float] = (1,)) -> tuple[Figure, list[Axes]]:
    """Return a figure of ``height`` inches with panels above each other that share their x axis."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    grid = figure.subplots(
        len(rows), 1, sharex=len(rows) > 1, squeeze=False, gridspec_kw={"height_ratios": list(rows)}
    )
    return figure, list(grid[:, 0])


def to_svg(figure: Figure, name: str, label: str) -> str:
    """Return the figure as an ``<svg>`` element for an HTML page.

    Args:
        figure: drawn with the stand-in colours.
        name: unique in the page; ids within the element derive from it.
        label: what the figure shows, for those who cannot see it.
    """
    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": f"uae-{name}"}):
        FigureCanvasSVG(figure)
        _lay_out(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\s(?:xmlns(?::\w+)?|version)="[^"]*"', "", text)
    text = text.replace("xlink:href", "href")
    # Generated group names repeat in every figure; ids that something refers to carry the salt.
    text = re.sub(r'\sid="[\w.]+_\d+"', "", text)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"\s*font(?:-family)?:[^;\"]*'DejaVu Sans'[^;\"]*", _size_only, text)
    # Two decimals place a point well enough; only within tags, for what stands between them is text.
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(?<=\d\.\d\d)\d+", "", tag.group(0)), text)
    for stand_in, colour in COLOURS.items():
        text = text.replace(stand_in, colour)
    text = re.sub(r"\n\s*", "\n", text).strip()
    head = re.compile(r"<svg[^>]*>")
    box = re.search(r'viewBox="[^"]*"', text)
    opening = (
        f'<svg id="plot-{name}" class="plot" role="img" aria-label="{html.escape(label)}" '
        f"{box.group(0) if box else ''}>"
    )
    return head.sub(lambda _: opening, text, count=1)


def _lay_out(figure: Figure) -> None:
    """Place the figure's parts; saving would draw the whole figure a second time to do so."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)  # none, where no setting of matplotlib asks for one


def svg_file(element: str) -> str:
    """Return an element of ``to_svg`` as a file of its own, in the colours of the pages, light or dark."""
    style = page_environment().get_template("style.jinja").render()
    head = (
        '<svg xmlns="http://www.w3.org/2000/svg" style="background: var(--surface); font-family: sans-serif"'
    )
    opening, inner = element.split(">", 1)
    return f"{opening.replace('<svg', head, 1)}>\n<style>\n{style}</style>{inner}\n"


def _size_only(match: re.Match[str]) -> str:
    """Keep the size of a font declaration; the family is the page's."""
    size = re.search(r"([\d.]+)px", match.group(0))
    return f" font-size: {size.group(1)}px" if size else ""
