"""Checks of the set-up that a configuration describes, without Spark: key, paths, disk, registry."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from uae_model.config import Config
from uae_model.core.errors import ConfigError, ModelError, first_line
from uae_model.core.filesystems import is_on_s3
from uae_model.core.locations import is_local, plain_path, sqlite_file
from uae_model.doctor.finding import Finding, failed, ok, warning
from uae_model.ingest.keys import read_key
from uae_model.registry.opening import open_registry

LEAST_FREE_GB = 2
ENOUGH_FREE_GB = 20
"""Below the first, a run may fail at any time; below the second, a larger day may fill the disk."""

WRITTEN_PATHS = ("tables", "snapshots", "checkpoints", "reports", "mlflow_artifacts")

MLFLOW_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""A server that does not answer at once is a finding; MLflow's default is to try for minutes."""


def check_setup(config: Config) -> list[Finding]:
    """Return the findings about key, paths, disk and registry."""
    return [check_key(config), *check_paths(config), check_disk(config), *check_registry(config)]


def check_key(config: Config) -> Finding:
    """Check that the HMAC key is there and long enough; it is never shown."""
    try:
        key = read_key(config)
    except ConfigError as error:
        fix = "set paths.hmac_key_file, or the variable that identity.hmac_key_env names"
        return failed("hmac key", str(error), fix)
    except OSError as error:
        return failed("hmac key", f"cannot be read: {error}", "let the job's user read the file")
    file = config.paths.hmac_key_file
    if file and stat.S_IMODE(Path(file).stat().st_mode) & 0o077:
        return warning("hmac key", f"{len(key)} bytes, but others may read {file}", f"chmod 600 {file}")
    return ok("hmac key", f"{len(key)} bytes from {file or '$' + config.identity.hmac_key_env}")


def check_paths(config: Config) -> list[Finding]:
    """Check that each folder exists or can be made, and can be written; nothing is made here."""
    paths = {f"paths.{name}": getattr(config.paths, name) for name in WRITTEN_PATHS}
    database = sqlite_file(config.paths.mlflow)
    if database is not None:
        paths["paths.mlflow"] = str(database.parent)
    return [*(_check_path(name, value) for name, value in paths.items()), *_check_s3(list(paths.values()))]


def _check_s3(paths: list[str]) -> list[Finding]:
    """Check that there is what writing to S3 needs beside Spark's jars, if any path lies there."""
    if not any(map(is_on_s3, paths)):
        return []
    if importlib.util.find_spec("boto3") is None:
        return [failed("s3", "the package boto3 is not installed", "pip install boto3, the extra s3")]
    return [ok("s3", "boto3 is installed; one command at a time writes the tables")]


def check_disk(config: Config) -> Finding:
    """Check the space left where the tables lie."""
    local = local_path(config.paths.tables)
    if local is None:
        return ok("disk", "the tables lie on remote storage")
    free = shutil.disk_usage(nearest_folder(local)).free / 1e9
    text = f"{free:.1f} GB free for the tables"
    if free < LEAST_FREE_GB:
        return failed("disk", text, f"free space, or move paths.tables; at least {LEAST_FREE_GB} GB")
    if free < ENOUGH_FREE_GB:
        return warning("disk", text, f"{ENOUGH_FREE_GB} GB are comfortable for a million plays a day")
    return ok("disk", text)


def check_registry(config: Config) -> list[Finding]:
    """Check that the registry answers, and whether a champion that fits the features is there."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    uri = config.paths.mlflow
    with _patience():
        try:
            registry = open_registry(config)
            if registry is None:
                return [ok("registry", f"{uri} will be made by the first training"), _no_champion(config)]
            versions = registry.champion_versions()
        except (MlflowException, SQLAlchemyError) as error:
            return [
                failed(
                    "registry",
                    f"{uri} does not answer: {first_line(error)}",
                    "check paths.mlflow and the server",
                )
            ]
        reached = ok("registry", f"{uri} answers")
        if versions is None:
            return [reached, _no_champion(config)]
        try:
            registry.champion()
            has_digest = registry.has_digest(versions[0])
        except ModelError as error:
            return [reached, failed("champion", str(error), "run uae train and uae promote")]
        except (MlflowException, OSError) as error:
            return [
                reached,
                failed("champion", f"cannot be loaded: {first_line(error)}", "check the artifact storage"),
            ]
    if not has_digest:
        return [
            reached,
            warning(
                "champion",
                f"attention version {versions[0]} scores, but was registered before models had a digest, so "
                "that a damaged file would not be noticed",
                "register again: uae train",
            ),
        ]
    return [reached, ok("champion", f"attention version {versions[0]}, propensity version {versions[1]}")]


def local_path(location: str) -> Path | None:
    """Return a path on this machine, or None for a URI of other storage."""
    return Path(plain_path(location)) if is_local(location) else None


def nearest_folder(path: Path) -> Path:
    """Return the path itself or the nearest of its parents that exists."""
    return next(folder for folder in (path, *path.absolute().parents) if folder.exists())


def _check_path(name: str, value: str) -> Finding:
    local = local_path(value)
    if local is None:
        return ok(name, f"{value} is remote; the first write will show whether it can be written")
    folder = nearest_folder(local)
    if not folder.is_dir():
        return failed(name, f"{folder} is a file, so {local} can be no folder", f"change {name}")
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed(
            name, f"{folder} cannot be written by this user", f"chown or chmod it, or change {name}"
        )
    return ok(name, f"{local} {'can be written' if folder == local else 'can be made'}")


def _no_champion(config: Config) -> Finding:
    fix = "run uae train, then uae promote"
    if config.nightly.train == "never":
        return failed("champion", "none, and nightly.train = 'never'", fix)
    return warning("champion", "none yet; the first night trains one if it has days to train on", fix)


@contextmanager
def _patience() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in MLFLOW_PATIENCE}
    os.environ.update(MLFLOW_PATIENCE)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
