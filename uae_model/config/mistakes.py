"""One line about a wrong setting: its name, its value, what is allowed, and what was probably meant."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from uae_model.config.features import Feature
from uae_model.config.settings import Config

WANTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text in quotes",
    "tuple": "a list in brackets",
    "dict": "a table of its own",
    "model": "a table of its own",
    "date": "a day",
}
"""What a setting must be, by the first word of pydantic's kind of error."""

Place = Sequence[int | str]


def describe(detail: ErrorDetails, tree: Mapping[str, Any]) -> str:
    """Return the line about one mistake.

    Args:
        detail: what pydantic says of it.
        tree: all settings as they were given, in which a feature has its name.
    """
    place = detail["loc"]
    key = _named(place, tree)
    if detail["type"] == "extra_forbidden":
        return f"{key}: no such setting{_suggestion(place, key)}"
    if detail["type"] == "missing":
        return f"{key}: must be set"
    value = detail["input"]
    shown = f" = {value!r}" if isinstance(value, str | int | float | bool) else ""
    is_of_type = detail["type"].endswith(("_type", "_parsing")) or detail["type"].startswith("date_")
    wanted = WANTED.get(detail["type"].split("_")[0]) if is_of_type else None
    if wanted or detail["type"] == "int_from_float":
        return f"{key}{shown}: must be {wanted or WANTED['int']}{_example(place)}"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{key}{shown}: {message}" if key else message


def _named(place: Place, tree: Mapping[str, Any]) -> str:
    """Return the setting's name; features and dimensions are told by what they are called, not by number."""
    if len(place) < 2 or place[0] not in ("features", "dimensions") or not isinstance(place[1], int):
        return ".".join(str(part) for part in place)
    kind, by = ("feature", "name") if place[0] == "features" else ("dimension", "entity")
    declared = tree[place[0]][place[1]]
    name = declared.get(by) if isinstance(declared, Mapping) else None
    owner = f"{kind} {name}" if name else f"{kind} number {place[1] + 1}"
    rest = ".".join(str(part) for part in place[2:])
    return f"{owner}: {rest}" if rest else owner


def _suggestion(place: Place, key: str) -> str:
    section = _section(place[:-1])
    if section is None:
        return ""
    near = difflib.get_close_matches(str(place[-1]), section.model_fields, 1)
    if near:
        prefix = key.rpartition(": ")[2].removesuffix(str(place[-1]))
        return f"; did you mean {prefix}{near[0]}?"
    return f"; allowed are {', '.join(section.model_fields)}"


def _section(place: Place) -> type[BaseModel] | None:
    """Return the class of the settings at a place, None where that is a plain value or a map of names."""
    section: type[BaseModel] = Config
    if place and place[0] == "features":  # a set that checks itself, not a list of models
        section, place = Feature, place[1:]
    for part in place:
        if isinstance(part, int):
            continue
        field = section.model_fields.get(part)
        inner = _model(field.annotation) if field else None
        if inner is None:
            return None
        section = inner
    return section


def _model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model(part))), None)


def _example(place: Place) -> str:
    """Return the default of a setting as an example of what may stand there."""
    names = [part for part in place if isinstance(part, str)]
    section = _section(names[:-1]) if names else None
    field = section.model_fields.get(names[-1]) if section else None
    default = field.get_default(call_default_factory=False) if field else None
    if default is None or isinstance(default, BaseModel):
        return f", as in [{'.'.join(names)}]" if isinstance(default, BaseModel) else ""
    try:
        shown = default.isoformat() if isinstance(default, date) else json.dumps(default)
        return f", as in {names[-1]} = {shown}"
    except TypeError:
        return ""  # a required setting has no default to show
