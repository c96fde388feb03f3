"""The base of every configuration section, and the ranges that many settings share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
PositiveInt = Annotated[int, Field(ge=1)]
Factor = Annotated[float, Field(gt=1)]
TimeFormat = Literal["iso", "epoch_seconds", "epoch_millis", "epoch_micros"]


PLACEHOLDERS = ("date", "hour")
"""What the path of a feed may leave open."""


def check_placeholders(template: str) -> str:
    """Return the path of a feed as it is.

    Raises:
        ValueError: if it leaves open anything but a day and an hour, or has a brace too many.
    """
    rest = template
    for name in PLACEHOLDERS:
        rest = rest.replace(f"{{{name}}}", "")
    if "{" in rest or "}" in rest:
        allowed = " and ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(f"an unknown placeholder, or a single brace; allowed are {allowed}")
    return template


def check_encoding(name: str) -> str:
    """Return the name of an encoding as it is.

    Raises:
        ValueError: if Python has no encoding of text of this name.
    """
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError("is no encoding that Python knows; examples are utf-8, latin-1, utf-16") from None
    return name


class Section(BaseModel):
    """A frozen group of settings; an unknown key is an error, not a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class TextFiles(Section):
    """How the text files of a feed are written."""

    encoding: str = Field(
        default="utf-8",
        description="Encoding of text files, by Python's name: utf-8, latin-1, utf-16; text of another is "
        "quarantined",
    )
    delimiter: str = Field(
        default=",", min_length=1, max_length=1, description="What stands between the values of CSV"
    )
    quote: str = Field(
        default='"', min_length=1, max_length=1, description="What stands around a value of CSV"
    )
    escape: str = Field(
        default="",
        max_length=1,
        description="What stands before a quote in a value of CSV, such as a backslash; empty: quotes are "
        "doubled",
    )

    _known_encoding = field_validator("encoding")(check_encoding)
