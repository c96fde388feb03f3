"""The documentation in a browser: no page scrolls sideways at any width, light or dark; the search works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browsing import FITS, chromium

pytestmark = pytest.mark.slow

WIDTHS = (1400, 400)
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 33, 41)"}

# What is wider than the column of text, does not scroll within itself, and so would be cut off.
CUT_OFF = """() => {
  const column = document.querySelector('.md-content__inner').getBoundingClientRect();
  const wrong = [];
  for (const e of document.querySelectorAll('.md-content__inner *')) {
    if (e.closest('pre, svg, table, .md-typeset__scrollwrap, .md-clipboard, .headerlink')) continue;
    const box = e.getBoundingClientRect();
    if (box.width && box.right > column.right + 25)
      wrong.push(e.tagName + ' ' + (e.textContent || e.src || '').trim().slice(0, 40));
  }
  for (const image of document.querySelectorAll('.md-content__inner img'))
    if (!image.complete || !image.naturalWidth) wrong.push('no picture: ' + image.src);
  return wrong;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start a browser for all tests of this file."""
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a page of the wide width."""
    opened = browser.new_page(viewport={"width": WIDTHS[0], "height": 900})
    yield opened
    opened.close()


def faults(page: Page) -> list[str]:
    """Return what is wrong with the open page at each width."""
    wrong = []
    page.add_style_tag(content="* { transition: none !important }")  # the search field moves after a resize
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        if not page.evaluate(FITS):
            wrong.append(f"{width} px: the page scrolls sideways")
        wrong += [f"{width} px: {text}" for text in page.evaluate(CUT_OFF)]
    return wrong


@pytest.mark.parametrize("scheme", BACKGROUNDS)
def test_no_page_scrolls_sideways(site: Path, browser: Browser, scheme: Any) -> None:
    pages = sorted(set(site.rglob("*.html")) - {site / "404.html"})  # a server's: its paths are absolute
    assert len(pages) > 40
    page, wrong = browser.new_page(color_scheme=scheme), {}
    for file in pages:
        page.goto(file.as_uri())
        page.wait_for_function(
            "colour => getComputedStyle(document.body).backgroundColor === colour", arg=BACKGROUNDS[scheme]
        )
        if at_fault := faults(page):
            wrong[str(file.relative_to(site))] = at_fault
    page.close()
    assert wrong == {}


def test_what_does_not_fit_is_seen(site: Path, page: Page) -> None:
    page.goto(f"{site.as_uri()}/index.html")
    page.evaluate(
        """() => document.querySelector('.md-content__inner').insertAdjacentHTML(
            'beforeend', '<p style="width: 500px; height: 1px">wide</p><img src="none.png">')"""
    )
    page.wait_for_function("document.querySelector('img[src=\"none.png\"]').complete")
    told = faults(page)
    assert "400 px: P wide" in told
    assert any("no picture" in text for text in told)
    assert not any(text.startswith("1400") and "P wide" in text for text in told)


def test_the_search_works_on_pages_opened_from_disk(site: Path, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.as_uri()}/index.html")
    page.click(".md-search__input")
    page.keyboard.type("stickiness")
    page.wait_for_selector(".md-search-result__item", timeout=30_000)
    titles = page.locator(".md-search-result__item").all_inner_texts()
    assert any("The model and why" in title for title in titles)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
