"""A server of S3 on this machine, for tests; moto keeps its objects in memory."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

BUCKET = "songs"


@dataclass(frozen=True)
class ObjectStorage:
    """A bucket, and how it is reached.

    Attributes:
        endpoint: address of the server.
    """

    endpoint: str

    @property
    def uri(self) -> str:
        return f"s3://{BUCKET}"

    @property
    def options(self) -> dict[str, str]:
        """Options as deltalake and polars take them; so named, they are environment variables too."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_REGION": "us-east-1",
        }


@contextmanager
def object_storage() -> Iterator[ObjectStorage]:
    """Run a server with an empty bucket."""
    from moto.server import ThreadedMotoServer  # takes seconds to import

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        storage = ObjectStorage(f"http://{host}:{port}")
        asking = http.client.HTTPConnection(host, port, timeout=60)
        asking.request("PUT", f"/{BUCKET}")
        assert asking.getresponse().status == 200
        asking.close()
        yield storage
    finally:
        server.stop()
