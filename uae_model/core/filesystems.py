"""Folders and files as pyarrow's file systems name them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from pyarrow.fs import FileSystem, LocalFileSystem

from uae_model.core.errors import UsageError

StorageOptions = Mapping[str, str]
"""How a storage is reached, by the names that deltalake, polars and object_store use; see ``OPTIONS``."""

OPTIONS = {
    "access_key_id": "access_key",
    "secret_access_key": "secret_key",
    "session_token": "session_token",
    "region": "region",
    "endpoint_url": "endpoint_override",
    "allow_http": "",
}
"""Names of options of S3, which may begin with ``aws_`` and be written in capitals, and pyarrow's names."""

S3_SCHEME = re.compile("s3[an]?$")
ENDPOINT_VARIABLE = "AWS_ENDPOINT_URL"
"""Where the SDKs of AWS look for the address of another S3 than Amazon's; pyarrow 14 does not."""


def open_location(location: str, storage_options: StorageOptions | None = None) -> tuple[FileSystem, str]:
    """Return the file system and the path within it of a folder or file.

    Args:
        location: a path of this machine, or a URI of a storage that pyarrow knows (``s3://...``). The
            path of a URI is taken as it is: names of files are no URLs.
        storage_options: of S3: its keys and address (``OPTIONS``). What is not given is taken from the
            environment (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL`` and so on). A path needs none.

    Raises:
        UsageError: for an option that is not known, or for options of another storage than S3.
    """
    scheme, is_uri, rest = location.partition("://")
    if not is_uri:
        return LocalFileSystem(), location
    authority, _, path = rest.partition("/")
    if is_on_s3(location):
        scheme = "s3"  # Hadoop's s3a and s3n are s3 to pyarrow
        settings = _settings_of_s3(storage_options or {})
        if settings:
            from pyarrow.fs import S3FileSystem

            return S3FileSystem(**settings), f"{authority}/{path}"
    elif storage_options:
        raise UsageError(f"storage_options are for S3 alone; {scheme}:// takes what its own library reads")
    filesystem, base = FileSystem.from_uri(f"{scheme}://{authority}/")
    return filesystem, f"{base.rstrip('/')}/{path}" if base else path


def is_on_s3(location: str) -> bool:
    """Tell whether a location is the URI of a folder or file on S3."""
    scheme, is_uri, _ = location.partition("://")
    return bool(is_uri and S3_SCHEME.match(scheme))


def open_files(
    files: Sequence[str], storage_options: StorageOptions | None = None
) -> tuple[FileSystem | None, list[str]]:
    """Return the file system that all the files lie in, and their paths within it; None for no files."""
    if not files:
        return None, []
    filesystem, path = open_location(files[0], storage_options)
    before = files[0].removesuffix(path)
    return filesystem, [file.removeprefix(before) for file in files]


def _settings_of_s3(options: StorageOptions) -> dict[str, str]:
    """Return what pyarrow's S3 is opened with; nothing where the environment and Amazon's own are meant."""
    named = {name.lower().removeprefix("aws_"): str(value) for name, value in options.items()}
    unknown = sorted(set(named) - set(OPTIONS))
    if unknown:
        allowed = ", ".join(f"AWS_{name.upper()}" for name in OPTIONS)
        raise UsageError(f"storage_options: {', '.join(unknown)} is not known; allowed are {allowed}")
    endpoint = named.pop("endpoint_url", os.environ.get(ENDPOINT_VARIABLE, ""))
    allows_http = named.pop("allow_http", os.environ.get("AWS_ALLOW_HTTP", "")).lower() in {"true", "1"}
    settings = {OPTIONS[name]: value for name, value in named.items()}
    if endpoint:
        scheme, _, address = endpoint.rpartition("://")
        if scheme == "http" and not allows_http:
            raise UsageError(
                f"{endpoint} would get the weights and the keys' signatures in plain; use https, or set "
                "AWS_ALLOW_HTTP = true"
            )
        settings |= {"endpoint_override": address.rstrip("/"), "scheme": scheme or "https"}
    return settings
