"""Reading the configuration: profile, then file, then overrides; one clear line for each mistake."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from uae_model.config.mistakes import describe
from uae_model.config.settings import Config
from uae_model.core.errors import ConfigError
from uae_model.core.locations import SQLITE, URI, sqlite_uri

PROFILE_FOLDER = Path(__file__).parent / "profiles"
PROFILES = tuple(sorted(path.stem for path in PROFILE_FOLDER.glob("*.toml")))

MLFLOW_NAMES = ("databricks", "databricks-uc")
"""Tracking servers that MLflow knows by a name rather than a URI."""

Tree = dict[str, Any]


def load_config(
    path: str | Path | None, *, profile: str | None = None, overrides: Sequence[str] = ()
) -> Config:
    """Read a TOML file on top of its profile and apply ``section.key=value`` overrides.

    The file may name its profile by a top-level ``profile = "..."``; the argument wins over it.
    Relative paths count from the file's folder, or from the working folder without a file.

    Raises:
        ConfigError: naming each wrong key, its value and what is allowed.
    """
    tree: Tree = {}
    base = Path.cwd()
    if path is not None:
        file = Path(path)
        if not file.is_file():
            raise ConfigError(f"the configuration file {file} does not exist; pass --config FILE")
        tree = _read_toml(file)
        base = file.resolve().parent
    named = tree.pop("profile", "default")
    merged = _merge(read_profile(profile or named), tree)
    for override in overrides:
        merged = _merge(merged, _parse_override(override))
    return parse_config(merged, base=base)


def parse_config(tree: Mapping[str, Any], *, base: Path | None = None) -> Config:
    """Validate a tree of settings; with ``base``, make its relative paths absolute.

    Raises:
        ConfigError: naming each wrong key, its value and what is allowed.
    """
    try:
        config = Config.model_validate(dict(tree))
    except ValidationError as error:
        lines = [describe(detail, tree) for detail in error.errors(include_url=False)]
        raise ConfigError("; ".join(lines)) from error
    if base is None:
        return config
    paths = {
        name: value if name == "mlflow" and value in MLFLOW_NAMES else _absolute(value, base)
        for name, value in config.paths.model_dump().items()
    }
    if "`" in paths["tables"]:
        raise ConfigError(
            f"paths.tables = {paths['tables']!r}: has a backtick, with which Delta can create no table; "
            "rename the folder"
        )
    dimensions = tuple(
        dimension.model_copy(update={"feed": _absolute(dimension.feed, base)})
        for dimension in config.dimensions
    )
    return config.model_copy(
        update={"paths": config.paths.model_copy(update=paths), "dimensions": dimensions}
    )


def _read_toml(file: Path) -> Tree:
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: its text is not UTF-8 ({error}); save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}; let this user read it, or pass another") from error


def read_profile(name: str) -> Tree:
    """Return the settings of a built-in profile, laid over those of the profile that it starts from.

    Raises:
        ConfigError: if there is no profile of this name.
    """
    if name not in PROFILES:
        raise ConfigError(f"profile = {name!r}: allowed are {', '.join(PROFILES)}")
    tree = _read_toml(PROFILE_FOLDER / f"{name}.toml")
    parent = tree.pop("profile", None)
    return tree if parent is None else _merge(read_profile(parent), tree)


def _merge(base: Mapping[str, Any], above: Mapping[str, Any]) -> Tree:
    """Return ``base`` with ``above`` laid over it; tables merge, except maps of names, which are replaced."""
    merged = dict(base)
    for key, value in above.items():
        replaces = key in {"columns", "feedback_map"}
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping) and not replaces:
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged


def _parse_override(override: str) -> Tree:
    name, equals, text = override.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys):
        raise ConfigError(f"--set {override!r}: the form is section.key=value")
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is a string
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _absolute(value: str, base: Path) -> str:
    """Make a path absolute; URIs stay, except SQLite's, which carry a path."""
    if value.startswith(SQLITE):
        return sqlite_uri(value.removeprefix(SQLITE), base)
    return value if not value or URI.match(value) else str(base / value)
