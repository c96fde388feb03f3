"""The same nights twice: with all paths on this machine, and on a local server of S3; both must be equal.

What was compared is written to ``benchmarks/object_storage.json`` and into docs/howto/object-storage.md. The
jars of S3 (560 MB) are fetched by ``make object-storage``; ``make test`` runs none of this.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from scripts import object_storage_record as record
from scripts.airflow_nights import SMALL_NETWORKS, end, free_port, wait_for
from uae_model.core.errors import AnotherRunError
from uae_model.core.filesystems import open_location
from uae_model.core.locks import alone_in
from uae_model.pipeline.writers import WRITERS_LEASE

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "object-storage"
SOURCE, LOCAL, S3 = FOLDER / "source", FOLDER / "local", FOLDER / "s3"
CONF = ROOT / "spark_conf"
BUCKET = "plays"

FIRST_DAY, LAST_TRAINED = date(2026, 1, 5), date(2026, 1, 8)
NIGHTS = tuple(LAST_TRAINED + timedelta(days=number) for number in (1, 2, 3))
LAST = NIGHTS[-1]

SETTINGS = """
profile = "dimensions"
[paths]
hmac_key_file = "hmac.key"
{paths}
[feed]
format = "jsonl"
[[dimensions]]
entity = "user"
feed = "{root}dimensions/users/dt={{date}}"
attributes = {{ country = "categorical", subscription = "categorical" }}
[[dimensions]]
entity = "song"
feed = "{root}dimensions/songs/dt={{date}}"
attributes = {{ genre = "categorical", release_year = "numeric" }}
{networks}"""
FOLDERS = ("tables", "snapshots", "checkpoints", "reports", "mlflow_artifacts")


@dataclass(frozen=True)
class Site:
    """Where one of the two runs lies.

    Attributes:
        folder: its configuration, key and registry.
        root: what its paths begin with: a URI, or a folder of this machine.
        variables: of its commands, beside those of this process.
        confs: files of Spark settings.
    """

    folder: Path
    root: str
    variables: Mapping[str, str]
    confs: Sequence[Path]

    @property
    def tables(self) -> str:
        """Where its tables lie."""
        return f"{self.root}/tables"


def main() -> int:
    """Run both and write the record; 1 if they are not equal."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    local = Site(LOCAL, str(LOCAL), {}, [CONF / "local.conf"])
    prepare(local)
    with server() as variables:
        remote = Site(S3, f"s3a://{BUCKET}/site", variables, [CONF / "local.conf", CONF / "s3.conf"])
        deliver(remote)
        seconds = {"local": run_nights(local), "s3": run_nights(remote)}
        result = compared(local, remote, seconds)
    record.ON_PAGE.write(result)
    print(record.table(result))
    wrong = record.differences(result)
    for text in wrong:
        print(f"object storage: {text}", file=sys.stderr)
    return int(bool(wrong))


def compared(local: Site, remote: Site, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Return what both runs gave, and what becomes of a writer beside another."""
    os.environ.update(remote.variables)
    with alone_in(f"{remote.tables}/{WRITERS_LEASE}", "writing"):
        second = uae(remote, "nightly", "--date", str(LAST), expected=AnotherRunError.exit_code)
    return {**record.compare(local, remote, NIGHTS, seconds), "second_writer": second}


def prepare(local: Site) -> None:
    """Simulate the feeds of a week, with late and bad rows, apart from both sites, and copy them to one."""
    configure(SOURCE, "")
    days = str((LAST - FIRST_DAY).days + 1)
    source = Site(SOURCE, str(SOURCE), {}, local.confs)
    uae(
        *(source, "simulate", "--out", ".", "--days", days, "--first-day", str(FIRST_DAY)),
        *("--plays", "16000", "--songs", "500", "--format", "jsonl"),
    )
    configure(local.folder, "")
    for name in ("feed", "dimensions"):
        shutil.copytree(SOURCE / name, local.folder / name)


def configure(folder: Path, root: str) -> None:
    """Write the settings of a site whose paths begin with ``root``, and the key that all of them share."""
    folder.mkdir(parents=True)
    paths = [f'{name} = "{root}{name}"' for name in FOLDERS]
    paths.append(f'feed = "{root}feed/dt={{date}}"')
    (folder / "uae.toml").write_text(
        SETTINGS.format(paths="\n".join(paths), root=root, networks=SMALL_NETWORKS)
    )
    (folder / "hmac.key").write_text("object-storage-night-" * 2)
    (folder / "hmac.key").chmod(0o600)


def deliver(remote: Site) -> None:
    """Copy the feeds into the bucket."""
    configure(remote.folder, f"{remote.root}/")
    filesystem, root = open_location(remote.root, remote.variables)
    for file in sorted(SOURCE.glob("feed/**/*")) + sorted(SOURCE.glob("dimensions/**/*")):
        if file.is_file() and not file.name.endswith(".crc"):
            with filesystem.open_output_stream(
                f"{root}/{file.relative_to(SOURCE)}", compression=None
            ) as stream:
                stream.write(file.read_bytes())


def run_nights(site: Site) -> float:
    """Run what a team runs; return the seconds that it took.

    Raises:
        RuntimeError: if a step fails.
    """
    began = time.monotonic()
    days = ("--from", str(FIRST_DAY), "--to", str(LAST_TRAINED))
    uae(site, "backfill", "--until", "features", *days)
    uae(site, "train", "--date", str(LAST_TRAINED))
    uae(site, "promote")
    for night in NIGHTS:
        uae(site, "nightly", "--date", str(night))
    uae(site, "report", "--date", str(LAST))
    uae(site, "maintain")
    uae(site, "check", "--date", str(LAST))
    uae(site, "doctor")
    return time.monotonic() - began


def uae(site: Site, step: str, *arguments: str, expected: int = 0) -> int:
    """Run a step of a site, its log in a file; return its exit code.

    Raises:
        RuntimeError: if it is not the expected one.
    """
    print(f"object storage: {site.folder.name}: uae {step} {' '.join(arguments)}", flush=True)
    options = ["--config", "uae.toml"] if step != "simulate" else []
    if step != "promote":
        options += [text for conf in site.confs for text in ("--spark-conf", str(conf))]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "SPARK_LOCAL_IP": "127.0.0.1", **site.variables}
    with (FOLDER / f"{site.folder.name}.log").open("ab") as log:
        code = subprocess.run(
            [sys.executable, "-m", "jobs.cli", step, *options, *arguments],
            cwd=site.folder,
            env=variables,
            stdout=log,
            stderr=log,
            check=False,
        ).returncode
    if code != expected:
        raise RuntimeError(f"uae {step} ended with exit code {code}; see {log.name}")
    return code


@contextmanager
def server() -> Iterator[dict[str, str]]:
    """Run a server of S3 with an empty bucket; yield the variables that say how it is reached."""
    port = free_port()
    with (FOLDER / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        wait_for(f"{endpoint}/moto-api/", process)
        variables = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
        }
        request = urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT")  # noqa: S310 - loopback
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310
        yield variables
    finally:
        end(process)


if __name__ == "__main__":
    sys.exit(main())
