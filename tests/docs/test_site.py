"""The documentation builds strictly, and its pages need no network."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import PAGES

pytestmark = pytest.mark.slow  # builds the whole documentation

LOADED = re.compile(r"<(?:script|img|iframe|source)\b[^>]*?\bsrc=\"([^\"]+)\"")
LINKED = re.compile(r"<link\b[^>]*>")
STYLE_URL = re.compile(r"url\(\s*[\"']?(https?:|//)")


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
