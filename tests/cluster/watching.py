"""What others can read while a job runs: on the wire, in command lines, on web pages, in files."""

from __future__ import annotations

import base64
import os
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

CHUNK = 1 << 18
FROM, TO = "127.0.0.2", "127.0.0.1"
"""Where a wire takes connections, and the address to which it hands them on; both are loopback."""


def forms_of(secret: str) -> dict[str, bytes]:
    """Return a secret by the ways in which a program may write it."""
    raw = secret.encode()
    # In base64 a text stands in one of three ways, by what comes before it; both ends depend on their
    # neighbours.
    shifted = [base64.b64encode(b"\0" * before + raw)[4:-4] for before in range(3)]
    return {
        f"{secret[:4]}... as it is": raw,
        f"{secret[:4]}... in hex": raw.hex().encode(),
        **{f"{secret[:4]}... in base64, {number}": text for number, text in enumerate(shifted)},
    }


class Wire:
    """Hands on what reaches some ports of one address to the same ports of another, and looks for words.

    Args:
        ports: those that the program at the other end listens on.
        words: what to look for, by name; it may be cut anywhere on its way.
    """

    def __init__(self, ports: Iterable[int], words: Mapping[str, bytes]) -> None:
        self.seen: set[str] = set()
        """Names of the words that passed."""
        self.passed = 0
        """Bytes that passed."""
        self._words = words
        self._kept = max(map(len, words.values())) - 1
        self._lock = threading.Lock()
        for port in ports:
            server = socket.create_server((FROM, port))
            threading.Thread(target=self._take, args=(server, port), daemon=True).start()

    def _take(self, server: socket.socket, port: int) -> None:
        while True:
            asking = server.accept()[0]
            try:
                answering = socket.create_connection((TO, port))
            except OSError:  # nobody listens there any more: the one who asks shall learn just that
                asking.close()
                continue
            for end in (asking, answering):  # each answer is waited for: none shall wait for more to send
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for ends in ((asking, answering), (answering, asking)):
                threading.Thread(target=self._hand_on, args=ends, daemon=True).start()

    def _hand_on(self, giver: socket.socket, taker: socket.socket) -> None:
        before = b""
        try:
            while data := giver.recv(CHUNK):
                self._look(before + data, len(data))
                before = (before + data)[-self._kept :]
                taker.sendall(data)
            taker.shutdown(socket.SHUT_WR)
        except OSError:  # one of the two broke off, as executors do at their end; the other is told
            for end in (giver, taker):
                end.close()

    def _look(self, data: bytes, new: int) -> None:
        found = {name for name, word in self._words.items() if word in data}
        with self._lock:
            self.passed += new
            self.seen |= found


class Processes:
    """Command lines and environments of all processes of this machine, as often as they are looked at."""

    def __init__(self) -> None:
        self.command_lines: dict[str, str] = {}
        """By process; of one that is gone, the last one seen."""
        self.environments: dict[str, str] = {}

    def look(self) -> None:
        """Look at all processes that are there now."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command_line = (process / "cmdline").read_bytes()
                environment = (process / "environ").read_bytes()
            except OSError:  # it has ended, or is another user's
                continue
            self.command_lines[process.name] = command_line.replace(b"\0", b" ").decode(errors="replace")
            self.environments[process.name] = environment.replace(b"\0", b"\n").decode(errors="replace")


class Page:
    """The page of a running job's settings, as far as it was there."""

    def __init__(self, port: int) -> None:
        self._address = f"http://{TO}:{port}/environment/"
        self.text = ""

    def look(self) -> None:
        """Read the page, where it is there and was not read yet."""
        if self.text:
            return
        try:
            with urllib.request.urlopen(self._address, timeout=5) as answer:  # noqa: S310 - loopback
                text = answer.read().decode()
        except (urllib.error.URLError, TimeoutError):  # it is not there yet
            return
        if "spark.app.name" in text:  # before that it says that Spark is starting
            self.text = text


def free_ports(count: int) -> list[int]:
    """Return ports that nothing listens on, at neither address of a wire."""
    sockets = [socket.create_server(("", 0)) for _ in range(count)]
    ports = [int(server.getsockname()[1]) for server in sockets]
    for server in sockets:
        server.close()
    return ports


def files_that_hold(root: Path, words: Mapping[str, bytes], *, without: Iterable[str]) -> list[str]:
    """Return the files below a folder in which one of the words stands, with the word's name.

    Args:
        root: the folder.
        words: what to look for, by name.
        without: names of files and folders that are not looked into.
    """
    left_out = set(without)
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in left_out]
        for name in set(files) - left_out:
            content = (Path(folder) / name).read_bytes()
            found += [f"{folder}/{name}: {word}" for word, text in words.items() if text in content]
    return found
