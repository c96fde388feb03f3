"""How a browser without a network shows the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browsing import FITS, chromium
from tests.report.many_days.test_page import days_page, one_day_page
from tests.report.samples import sample
from tests.report.test_page import bare_page, full_page
from uae_model.report import render

pytestmark = pytest.mark.slow

# What the browser finds wrong: wider than its box, outside its parent, or text cut off by its plot.
OVERFLOWING = """() => {
  const wrong = [];
  const say = (what, e) => wrong.push(what + ': ' + e.tagName + ' ' + (e.textContent || '').slice(0, 40));
  for (const e of document.querySelectorAll('main, main *:not(svg *)')) {
    const inner = e.getBoundingClientRect(), outer = e.parentElement.getBoundingClientRect();
    if (getComputedStyle(e).display === 'inline' || e.closest('.scroll table, .wide table')) continue;
    const rolls = e.tagName === 'svg' || e.matches('.wide');
    if (!rolls && e.scrollWidth > e.clientWidth + 1) say('content too wide', e);
    if (inner.right > outer.right + 1 || inner.left < outer.left - 1) say('outside its parent', e);
  }
  for (const svg of document.querySelectorAll('svg.plot')) {
    const box = svg.getBoundingClientRect();
    if (box.width < 200 || box.height < 50) say('plot too small', svg);
    for (const t of svg.querySelectorAll('text')) {
      const r = t.getBoundingClientRect();
      const wide = r.left < box.left - 1 || r.right > box.right + 1;
      if (wide || r.top < box.top - 1 || r.bottom > box.bottom + 1)
        say('text cut off in ' + svg.id, t);
    }
  }
  return wrong;
}"""

PAGES: dict[str, Callable[[], str]] = {
    "full": full_page,
    "paper": lambda: render(sample(), paper=True),
    "bare": bare_page,
    "days": days_page,
    "one day": one_day_page,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for all tests of this file."""
    with chromium() as started:
        yield started


def open_offline(browser: Browser, file: Path, width: int, scheme: Any) -> tuple[Any, list[str]]:
    """Open the file without a network; return the page and what went wrong while loading."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    context.set_offline(True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("request", lambda request: None if is_local(request.url) else wrong.append(request.url))
    page.goto(file.as_uri())
    return page, wrong


def is_local(url: str) -> bool:
    return url.startswith(("file:", "data:"))


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (800, "light"), (1280, "dark")])
@pytest.mark.parametrize("which", PAGES)
def test_a_browser_without_network_shows_it_whole(
    browser: Browser, tmp_path: Path, width: int, scheme: str, which: str
) -> None:
    html = PAGES[which]()
    file = tmp_path / "report.html"
    file.write_text(html)
    page, wrong = open_offline(browser, file, width, scheme)
    assert wrong == []
    assert page.evaluate(FITS)
    assert page.evaluate(OVERFLOWING) == []
    assert page.locator("svg.plot").count() == html.count("<svg") > 0
    for plot in page.locator("svg.plot").all():
        assert plot.is_visible()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == ("rgb(16, 19, 23)" if scheme == "dark" else "rgb(246, 247, 249)")
    page.context.close()


def test_the_overflow_check_finds_an_overflow(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(full_page().replace("<table", '<table style="width: 900px"', 1))
    page, _ = open_offline(browser, file, 390, "light")
    assert page.evaluate(OVERFLOWING) != []
    page.context.close()


@pytest.mark.parametrize(
    ("spoilt", "what"),
    [
        ("<div style='width: 1400px'>wide</div>", "width"),
        ("<script>console.error('no good')</script>", "console"),
        ("<img src='http://127.0.0.1:9/a.png'>", "request"),
    ],
)
def test_the_checks_find_what_they_look_for(browser: Browser, tmp_path: Path, spoilt: str, what: str) -> None:
    file = tmp_path / "report.html"
    file.write_text(bare_page().replace("<main>", f"<main>{spoilt}"))
    page, wrong = open_offline(browser, file, 1280, "light")
    assert page.evaluate(FITS) is (what != "width")
    assert bool(wrong) is (what != "width")
    page.context.close()
