"""Servers that fail in every way there is, each on a free port of the loopback."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"


def hang(connection: socket.socket) -> None:
    """Take the request and never answer."""
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def cut(connection: socket.socket) -> None:
    """Announce a body and hang up in the middle of it."""
    connection.recv(65536)
    connection.sendall(HEAD + b"half")


def drip(connection: socket.socket) -> None:
    """Send a byte now and then, for ever."""
    connection.recv(65536)
    connection.sendall(HEAD)
    for _ in range(1000):
        time.sleep(0.02)
        connection.sendall(b".")


def babble(connection: socket.socket) -> None:
    """Answer something that is not HTTP; to a client that wants TLS it is not TLS either."""
    connection.recv(65536)
    connection.sendall(b"220 welcome to the mail server\r\n")


def hang_up(connection: socket.socket) -> None:
    """Close without a word."""
    connection.recv(65536)


class Broken:
    """One of them; `url` leads to it, `requests` is how many connections came."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.requests = 0

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self.requests += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            self._answer(connection)

    def __exit__(self, *_: object) -> None:
        for connection in (self._socket, *self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """The address of a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def black_hole() -> Iterator[str]:
    """The address of a port that swallows every attempt to connect: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as held:
        for _ in range(4):
            caller = held.enter_context(socket.socket())
            caller.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                caller.connect(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


@contextlib.contextmanager
def dead() -> Iterator[list[str]]:
    """Three addresses: one refuses, one hangs, one swallows."""
    with refusing() as first, Broken(hang) as second, black_hole() as third:
        yield [first, second.url, third]
