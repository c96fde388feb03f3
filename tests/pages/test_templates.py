"""Where templates are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2 import TemplateNotFound, UndefinedError

from uae_model.pages.templates import page_environment


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "own.jinja").write_text('{% include "style.jinja" %}<p>{{ text }}</p>')
    return tmp_path


def test_a_room_brings_its_templates_and_style_is_shared(room: Path) -> None:
    page = page_environment(room).get_template("own.jinja").render(text="a < b")
    assert page.startswith(":root {")
    assert page.endswith("<p>a &lt; b</p>")


def test_no_room_sees_the_templates_of_another(room: Path) -> None:
    with pytest.raises(TemplateNotFound, match=r"own\.jinja"):
        page_environment(room / "other").get_template("own.jinja")


def test_a_name_that_the_template_does_not_get_is_an_error(room: Path) -> None:
    with pytest.raises(UndefinedError, match="'text' is undefined"):
        page_environment(room).get_template("own.jinja").render()
