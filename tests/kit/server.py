"""A web server for tests: records every request, answers as it is told, with or without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Request:
    """One request as it arrived. Header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def line(self) -> str:
        """`GET /path?query`"""
        return f"{self.method} {self.path}" + (f"?{self.query}" if self.query else "")


@dataclass(frozen=True)
class Reply:
    """What the server says."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the server that owns it."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def answer(self) -> None:
        """Record the request, then send the reply."""
        url = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, url.path, url.query, headers, self.rfile.read(length))
        reply = self.server.owner.take(request)
        time.sleep(reply.delay)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        """Stay silent."""


class Listener(ThreadingHTTPServer):
    """The socket; the TLS handshake happens in the thread of the request."""

    daemon_threads = True
    owner: Server
    context: ssl.SSLContext | None = None

    def finish_request(self, request, client_address) -> None:
        if not self.context:
            super().finish_request(request, client_address)
            return
        with self.context.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)

    def handle_error(self, request, client_address) -> None:
        """A client that refuses the certificate, or goes away, is a normal event."""


class Server:
    """`url` leads to it, `requests` is what arrived, `reply` says what to answer."""

    def __init__(self, certificates: Path | None = None) -> None:
        self.requests: list[Request] = []
        self.on_request: Callable[[Request], None] | None = None
        self.ca = certificates / "ca.pem" if certificates else None
        self._replies: dict[str, list[Reply]] = {}
        self._guard = threading.Lock()
        self._listener = Listener(("127.0.0.1", 0), Handler)
        self._listener.owner = self
        if certificates:
            self._listener.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            pair = certificates / "server.pem", certificates / "server.key"
            self._listener.context.load_cert_chain(*pair)
            self._listener.context.load_verify_locations(certificates / "ca.pem")
        self.port = self._listener.server_address[1]
        self.url = f"http{'s' if certificates else ''}://127.0.0.1:{self.port}"

    def __enter__(self):
        threading.Thread(target=self._listener.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()

    def reply(
        self,
        path: str,
        status: int = 200,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        delay: float = 0,
    ) -> None:
        """Queue a reply for a path; the last one is repeated. Other paths get an empty 200."""
        self._replies.setdefault(path, []).append(Reply(status, headers or {}, body, delay))

    def ask_for_client_certificate(self) -> None:
        """Refuse clients without a certificate that the CA signed (`tls_server` only)."""
        assert self._listener.context
        self._listener.context.verify_mode = ssl.CERT_REQUIRED

    def take(self, request: Request) -> Reply:
        """Record a request and choose its reply."""
        with self._guard:
            self.requests.append(request)
            if self.on_request:
                self.on_request(request)
            replies = self._replies.get(request.path, [])
            if not replies:
                return Reply()
            return replies.pop(0) if len(replies) > 1 else replies[0]

    @property
    def lines(self) -> list[str]:
        """`METHOD /path?query` of every request, in the order of arrival."""
        return [request.line for request in self.requests]


class Guide(BaseHTTPRequestHandler):
    """Answers CONNECT with a way to the server, whoever was asked for."""

    server: Tunnel

    def do_CONNECT(self) -> None:
        """Hand on what comes from either side until both have ended."""
        with socket.create_connection(("127.0.0.1", self.server.port)) as there:
            self.send_response(200)
            self.end_headers()
            back = threading.Thread(target=hand_on, args=(there, self.connection))
            back.start()
            hand_on(self.connection, there)
            back.join()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def hand_on(source: socket.socket, target: socket.socket) -> None:
    """Copy what a socket receives to another one; its end, too."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


class Tunnel(ThreadingHTTPServer):
    """A proxy that leads every host to one server, so that documented URLs need no change."""

    daemon_threads = True

    def __init__(self, server: Server) -> None:
        super().__init__(("127.0.0.1", 0), Guide)
        self.port = server.port
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


DOCUMENTED_HOSTS = ("hc-ping.com", "httpstat.us", "my")
"""Those of the documented examples, which only `Tunnel` leads to the server."""


KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
"""The words of openssl for a new key."""


def openssl(folder: Path, *commands: str) -> None:
    """Run commands of openssl, one after the other."""
    for command in commands:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)


def make_certificates(folder: Path) -> Path:
    """A private CA, and certificates for 127.0.0.1 and documented hosts (server) and a client."""
    names = ",".join(f"DNS:{host}" for host in ("localhost", *DOCUMENTED_HOSTS))
    (folder / "extensions").write_text(
        f"subjectAltName=IP:127.0.0.1,{names}\nbasicConstraints=CA:FALSE\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nkeyUsage=digitalSignature\n"
        "extendedKeyUsage=serverAuth,clientAuth\n"
    )
    usage = "-addext keyUsage=critical,keyCertSign,cRLSign"
    sign = "x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile extensions"
    commands = [
        f"req -x509 -days 2 -subj /CN=test-ca {KEY} -keyout ca.key -out ca.pem {usage}",
        f"req -x509 -days 2 -subj /CN=other-ca {KEY} -keyout other.key -out other-ca.pem {usage}",
    ]
    for name in ("server", "client"):
        commands += [
            f"req -new -subj /CN={name} {KEY} -keyout {name}.key -out {name}.csr",
            f"{sign} -in {name}.csr -out {name}.pem",
        ]
    openssl(folder, *commands)
    return folder
