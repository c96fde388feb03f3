"""The documentation builds strictly, and its pages need no network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.docs.pages import PAGES, ROOT

pytestmark = pytest.mark.slow  # builds the whole documentation

LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*?\bsrc=\"([^\"]+)\"")
LINKED = re.compile(r"<link\b[^>]*>")
STYLE_URL = re.compile(r"url\(\s*[\"']?(https?:|//)")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build all pages; a dead link, a stale anchor or a page outside the navigation is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built(site: Path) -> None:
    assert len(list(site.rglob("*.html"))) == len(PAGES) + 1  # and 404.html


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text()
        loaded = LOADED.findall(text)
        for link in LINKED.findall(text):
            if re.search(r"rel=\"(stylesheet|preload|preconnect|icon)\"", link):
                loaded += re.findall(r"href=\"([^\"]+)\"", link)
        assert loaded
        assert [url for url in loaded if re.match(r"(?:[a-z]+:)?//", url)] == [], page
    for sheet in site.rglob("*.css"):
        assert not STYLE_URL.search(sheet.read_text()), sheet


def test_the_search_knows_the_pages(site: Path) -> None:
    index = (site / "search" / "search_index.json").read_text()
    assert "sessions.gap_minutes" in index
    assert "weighted_binary_cross_entropy" in index


@pytest.mark.slow
def test_the_search_works_on_pages_opened_from_disk(site: Path) -> None:
    executable = shutil.which("chromium")
    assert executable, (
        "chromium is not installed; scripts/setup.sh dev installs it (apt-get install chromium)"
    )
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{site.as_uri()}/index.html")
        page.click(".md-search__input")
        page.keyboard.type("stickiness")
        page.wait_for_selector(".md-search-result__item", timeout=30_000)
        titles = page.locator(".md-search-result__item").all_inner_texts()
        browser.close()
    assert any("The model and why" in title for title in titles)
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
