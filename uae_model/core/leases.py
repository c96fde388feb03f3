"""A lease on S3: one process at a time does a work, and one that died holds nobody back for long.

S3 knows no locks, but writes an object only if it is not there yet, or is still the one that was read. So the
holder writes an object, writes it again while it lives, and removes it at its end. Who finds one that was not
renewed for ``LAPSES_AFTER`` takes it over. Ages are those of the storage's own clock.

Source: Amazon S3 User Guide, "Conditional requests".
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from uuid import uuid4

from uae_model.core.errors import AnotherRunError, ConfigError, InputError, first_line
from uae_model.core.filesystems import ENDPOINT_VARIABLE, open_location
from uae_model.core.logs import warn

RENEWED_EVERY = timedelta(seconds=30)
GIVEN_UP_AFTER = timedelta(minutes=3)
"""How long a holder that cannot reach the storage goes on: it has stopped before another takes over."""
LAPSES_AFTER = timedelta(minutes=5)

TRIES = 5
CHANGED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
GONE = frozenset({"NoSuchKey", "404"})
"""Codes by which S3 says that another was there first, and that there is no such object."""

TAKEN_OVER = "another run has taken it over, since it was not renewed in time"


@contextmanager
def lease(location: str, work: str) -> Iterator[None]:
    """Do the work of the block while no other process does it.

    A holder whose lease was taken over, or that cannot renew it, is interrupted where it is.

    Args:
        location: URI of the object on S3.
        work: what is done, for errors.

    Raises:
        AnotherRunError: if another process is at it, naming that process and its host; or if one has taken
            over while this one did the work.
        ConfigError: if boto3 is missing, or the storage ignores the conditions of a write.
        InputError: if the storage refuses it otherwise.
    """
    held = _Lease(location, work)
    held.acquire()
    keeper = threading.Thread(target=held.keep, name="lease", daemon=True)
    keeper.start()
    try:
        yield
    except BaseException:
        held.require()  # whatever the interrupt of a lease that was lost has become on its way
        raise
    finally:
        held.ended.set()
        keeper.join()
        held.release()
    held.require()


class _Found(NamedTuple):
    """What stands in an object: who holds the lease, by which run, how long ago it was renewed."""

    holder: str
    run: str
    age: timedelta
    etag: str


class _Lease:
    """The object of a lease; ``_etag`` is that of the content that this process wrote last."""

    def __init__(self, location: str, work: str) -> None:
        self.location, self.work = location, work
        self.ended = threading.Event()
        self._bucket, _, self._key = open_location(location)[1].partition("/")
        self._client = s3_client(location)
        self._run = uuid4().hex
        self._holder = threading.current_thread()
        self._etag = ""
        self._written = 0
        self._lost = ""

    def acquire(self) -> None:
        """Take the lease, also from a holder that has not renewed it."""
        for _ in range(TRIES):
            if self._write(IfNoneMatch="*"):
                self._require_conditions()
                return
            present = self._find()
            if present is None:
                continue  # its holder has ended meanwhile
            if present.age <= LAPSES_AFTER:
                raise AnotherRunError(
                    f"another run is at this {self.work}: {present.holder} holds {self.location}, renewed "
                    f"{present.age.total_seconds():.0f} s ago; wait for its end and run it again (one that "
                    f"died is taken for dead after {LAPSES_AFTER.total_seconds():.0f} s)"
                )
            if self._write(IfMatch=present.etag):
                warn("a lease that was not renewed is taken over", lease=self.location, holder=present.holder)
                return
        raise AnotherRunError(
            f"other runs come and go at this {self.work} ({self.location}); run it again later"
        )

    def keep(self) -> None:
        """Renew the lease until the work has ended; if it is lost, interrupt the work."""
        renewed = time.monotonic()
        while not self.ended.wait(RENEWED_EVERY.total_seconds()):
            try:
                if not self._write(IfMatch=self._etag):
                    self._lose(TAKEN_OVER)
                    return
                renewed = time.monotonic()
            except Exception as error:  # noqa: BLE001 - whatever it is, the lease is not renewed
                warn("a lease was not renewed", lease=self.location, error=first_line(error))
                if time.monotonic() - renewed > GIVEN_UP_AFTER.total_seconds():
                    self._lose(f"it could not be renewed: {first_line(error)}")
                    return

    def release(self) -> None:
        """Remove the object, if it is still this process's own."""
        if self._lost:
            return
        try:
            present = self._find()
            if present is None or present.run != self._run:
                self._lost = TAKEN_OVER
            else:
                self._client.delete_object(Bucket=self._bucket, Key=self._key, IfMatch=present.etag)
        except Exception as error:  # noqa: BLE001 - the work is done; nobody renews the lease, so it lapses
            warn("a lease was not removed; it lapses", lease=self.location, error=first_line(error))

    def require(self) -> None:
        """Raise AnotherRunError if the lease was lost."""
        if self._lost:
            raise AnotherRunError(
                f"this {self.work} has lost its lease {self.location}: {self._lost}; what it had committed "
                "before stays; run it again"
            )

    def _lose(self, reason: str) -> None:
        self._lost = reason
        warn("a lease is lost; the work is stopped", lease=self.location, reason=reason)
        main = threading.main_thread()
        if self._holder is main and main.ident is not None and not self.ended.is_set():
            # As Ctrl-C does, it ends a wait for Java too, and lets Spark cancel its jobs.
            signal.pthread_kill(main.ident, signal.SIGINT)

    def _write(self, **condition: str) -> bool:
        """Write the object if the condition holds; tell whether this process's own content is there now."""
        if self.put_if(**condition):
            return True
        present = self._find()
        if present is None or present.run != self._run:
            return False
        self._etag = present.etag  # it was written, only the answer was lost and it was tried again
        return True

    def put_if(self, **condition: str) -> bool:
        """Write the object if the condition holds; tell whether it was answered that it did."""
        self._written += 1
        sign = {"holder": f"process {os.getpid()} on {socket.gethostname()}", "run": self._run}
        body = json.dumps({**sign, "work": self.work, "written": self._written}).encode()
        answer = self._ask("put_object", CHANGED | GONE, Body=body, **condition)
        if answer is None:
            return False
        self._etag = answer["ETag"]
        return True

    def _find(self) -> _Found | None:
        """Return what stands in the object; None where there is none."""
        answer = self._ask("get_object", GONE)
        if answer is None:
            return None
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        sign = _sign_of(answer["Body"].read())
        return _Found(*sign, now - answer["LastModified"], answer["ETag"])

    def _require_conditions(self) -> None:
        """Ask for what must be refused: a storage that ignores conditions would let two runs in."""
        if self.put_if(IfNoneMatch="*"):
            raise ConfigError(
                f"{self.location}: this storage ignores If-None-Match, so runs at once cannot be told from "
                "each other; use one that knows conditional writes, or a LogStore of Delta's for many writers"
            )

    def _ask(self, request: str, refusals: frozenset[str], **arguments: Any) -> Any:
        """Send a request about the object; return its answer, None for one of the refusals."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, request)(Bucket=self._bucket, Key=self._key, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in refusals:
                return None
            raise InputError(f"{self.location}: S3 refuses the lease: {first_line(error)}") from error
        except BotoCoreError as error:
            raise InputError(f"{self.location}: S3 cannot be reached: {first_line(error)}") from error


def _sign_of(content: bytes) -> tuple[str, str]:
    """Return who wrote an object, and by which run; another program may have written anything there."""
    try:
        sign = json.loads(content)
        return str(sign["holder"]), str(sign["run"])
    except (ValueError, KeyError, TypeError):
        return "a process", ""


def s3_client(location: str) -> Any:
    """Return a client of S3 that gives up long before a lease lapses."""
    if importlib.util.find_spec("boto3") is None:
        raise ConfigError(
            f"{location}: work on S3 needs the package boto3, which is not installed; pip install boto3 "
            "(the extra s3 of this package)"
        )
    import boto3
    from botocore.config import Config

    settings = Config(
        connect_timeout=10,
        read_timeout=20,
        retries={"total_max_attempts": 2},
        # Another server than Amazon's has no name of its own for each bucket.
        s3={"addressing_style": "path" if os.environ.get(ENDPOINT_VARIABLE) else "auto"},
    )
    return boto3.client("s3", region_name=os.environ.get("AWS_REGION"), config=settings)
