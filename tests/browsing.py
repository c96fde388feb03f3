"""A browser for tests of pages: Debian's chromium, which set-up installs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

FITS = "document.scrollingElement.scrollWidth <= document.scrollingElement.clientWidth"
"""Whether a page needs no sideways scroll."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, and close it at the end."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.fail("chromium is not installed; scripts/setup.sh dev installs it (apt-get install chromium)")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield started
        started.close()
