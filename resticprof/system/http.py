"""Send HTTP requests: the only place that loads httpx, and not before the first request."""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import os
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resticprof import __version__
from resticprof.errors import HttpError
from resticprof.model.run import HttpRequest, HttpResponse, Transport
from resticprof.model.types import Secret, reveal
from resticprof.system.signals import Signals

if TYPE_CHECKING:
    import ssl

    import httpx

log = logging.getLogger("resticprof.http")

REDIRECTS = 10
READ = 1024 * 1024  # bytes of an answer that are read; services say what they have to say in less
SHOWN = 64 * 1024  # bytes of an answer that the debug log may hold

NO_CERTIFICATE = "there is no certificate in PEM format in it"
NO_PAIR = "it is not in PEM format, or certificate and key do not belong together"

_clients: dict[tuple[Transport, bool], httpx.Client] = {}
_guard = threading.Lock()


def send(request: HttpRequest, transport: Transport) -> HttpResponse:
    """Send a request and wait for the answer. Raises `HttpError`, which never holds the URL.

    The time limit is that of the whole exchange. In the main thread, a signal ends the wait; it is
    not taken as told by that.
    """
    host = _host(reveal(request.url))
    log.debug("%s %s", request.method, request.url)
    exchange = _Exchange(request, transport)
    exchange.start()
    deadline = time.monotonic() + (transport.limit or math.inf)
    interruptible = threading.current_thread() is threading.main_thread()
    while exchange.is_alive():
        exchange.join(0.1)
        if time.monotonic() > deadline and exchange.is_alive():
            raise _too_late(host, transport)
        if interruptible and Signals.active().pending:
            raise HttpError(f"{host}: interrupted")
    if exchange.failure:
        raise exchange.failure
    return _judged(request, exchange.answer, host)


def retryable(error: HttpError) -> bool:
    """Whether the same request may succeed in a moment."""
    return error.connection or error.status == 429 or (error.status or 0) >= 500


def close() -> None:
    """Close all connections; the next request opens new ones."""
    with _guard:
        for client in _clients.values():
            client.close()
        _clients.clear()


class _Exchange(threading.Thread):
    """One request and its answer.

    In a thread, because looking up a name has no time limit, and a server that sends a byte now
    and then can go on for ever.
    """

    def __init__(self, request: HttpRequest, transport: Transport) -> None:
        super().__init__(name="http", daemon=True)
        self._request = request
        self._transport = transport
        self.answer = HttpResponse(status=0)
        self.failure: Exception | None = None

    def run(self) -> None:
        try:
            self.answer = _exchange(self._request, self._transport)
        except Exception as error:  # noqa: BLE001 - it is raised by `send`
            self.failure = error


def _exchange(request: HttpRequest, transport: Transport) -> HttpResponse:
    import httpx

    host = _host(reveal(request.url))
    try:
        private = {name for name, value in request.headers if isinstance(value, Secret)}
        answer = _followed(_built(request, _client(transport, host)), transport, private)
        try:
            body = _beginning(answer)
        finally:
            answer.close()
    except httpx.TimeoutException as error:
        raise _too_late(host, transport) from error
    except httpx.UnsupportedProtocol as error:
        raise HttpError("the URL is not valid; write https://host/path") from error
    except (httpx.LocalProtocolError, httpx.InvalidURL, ValueError) as error:
        raise HttpError(f"{host}: the URL, the method or a header is not valid") from error
    except httpx.RequestError as error:
        reason, final = _reason(error)
        raise HttpError(f"{host}: {reason}", connection=not final) from error
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return HttpResponse(status=answer.status_code, headers=headers, body=body)


def _built(request: HttpRequest, client: httpx.Client) -> httpx.Request:
    headers = [(name.encode("ascii"), reveal(value).encode()) for name, value in request.headers]
    names = {name.lower() for name, _ in headers}
    if b"user-agent" not in names:
        headers.append((b"User-Agent", f"resticprof/{__version__}".encode()))
    if not request.body and request.method.upper() in {"POST", "PUT", "PATCH"}:
        headers.append((b"Content-Length", b"0"))  # some servers insist
    built = client.build_request("GET", reveal(request.url), headers=headers, content=request.body)
    built.method = request.method  # as it was written; httpx would turn it into capitals
    return built


def _followed(request: httpx.Request, transport: Transport, private: set[str]) -> httpx.Response:
    """The answer at the end of all redirects, unread.

    No other host gets the `private` headers, and nobody gets them in the clear after TLS.
    """
    import httpx

    for _ in range(REDIRECTS + 1):
        answer = _client(transport, request.url.host).send(request, stream=True)
        onward = answer.next_request
        if onward is None:
            return answer
        answer.close()
        leaves_tls = request.url.scheme == "https" != onward.url.scheme
        if transport.strict_redirects and leaves_tls:
            host = _host(str(request.url))
            raise HttpError(f"{host}: a redirect leads from https to {onward.url.scheme}")
        if transport.strict_redirects and answer.status_code in (301, 302):
            onward = httpx.Request(
                request.method, onward.url, headers=onward.headers, content=request.read()
            )
        if leaves_tls or onward.url.host != request.url.host:
            for name in private:
                onward.headers.pop(name, None)
        request = onward
    raise HttpError(f"{_host(str(request.url))}: more than {REDIRECTS} redirects")


def _beginning(answer: httpx.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) >= READ:
            break
    return body[:READ]


def _judged(request: HttpRequest, answer: HttpResponse, host: str) -> HttpResponse:
    from http import HTTPStatus

    status = answer.status
    log.debug("%s answered %d: %s", host, status, _printable(answer.body[:SHOWN]))
    good = status in request.accept if request.accept else status < 400
    if not good:
        known = status in HTTPStatus._value2member_map_
        raise HttpError(
            f"{host}: HTTP {status} {HTTPStatus(status).phrase if known else ''}".rstrip(),
            status=status,
            retry_after=_retry_after(answer.headers.get("retry-after", "")),
        )
    return answer


def is_direct(host: str) -> bool:
    """Whether no proxy is asked, as in Go: to this machine, and to the networks of `no_proxy`."""
    from ipaddress import ip_address, ip_network

    if host.lower() == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if address.is_loopback:
        return True
    for name in (os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or "").split(","):
        with contextlib.suppress(ValueError):
            if address in ip_network(name.strip(), strict=False):
                return True
    return False


def _client(transport: Transport, host: str) -> httpx.Client:
    """One client for each kind of transport, so that connections are used again."""
    import httpx

    direct = is_direct(host)
    kind = (transport, direct)
    with _guard:
        if kind not in _clients:
            for name in ("httpx", "httpcore"):  # they log whole URLs
                logging.getLogger(name).setLevel(logging.WARNING)
            if not _clients:
                atexit.register(close)
            context = _context(transport)
            try:
                _clients[kind] = httpx.Client(
                    trust_env=not direct,
                    verify=context,
                    timeout=transport.limit,
                )
            except (ValueError, ImportError, httpx.InvalidURL) as error:  # its text shows the URL
                text = "a proxy that the environment names (HTTPS_PROXY, ALL_PROXY, …) is not valid"
                raise HttpError(text) from error
        return _clients[kind]


def _context(transport: Transport) -> ssl.SSLContext:
    """The system's roots and those of the user; TLS 1.2 or newer.

    As in Go, whatever the user names is enough: a certificate in the middle of a chain, or one
    without all that Python asks for since 3.13.
    """
    import ssl

    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    places = ssl.get_default_verify_paths()
    if not (places.cafile or places.capath):  # a system without certificates, such as a container
        import certifi

        context.load_verify_locations(certifi.where())
    for file in transport.ca_certificates:
        try:
            context.load_verify_locations(file)
        except OSError as error:
            log.warning("ca-certificates: cannot use `%s`: %s", file, _words(error, NO_CERTIFICATE))
    if transport.client_cert:
        try:
            # An empty password: OpenSSL would ask the terminal for one.
            context.load_cert_chain(transport.client_cert, transport.client_key, password="")
        except OSError as error:
            files = "` and `".join(filter(None, (transport.client_cert, transport.client_key)))
            text = f"cannot use the client certificate `{files}`: {_words(error, NO_PAIR)}"
            raise HttpError(text) from error
    if not transport.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _words(error: OSError, otherwise: str) -> str:
    """What is wrong with a file; OpenSSL's own words are for programmers."""
    import ssl

    return otherwise if isinstance(error, ssl.SSLError) else error.strerror or str(error)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "(no host)"
    except ValueError:
        return "(no host)"


def _too_late(host: str, transport: Transport) -> HttpError:
    return HttpError(f"{host}: no answer within {transport.timeout:g} s", connection=True)


def _reason(error: Exception) -> tuple[str, bool]:
    """What went wrong below HTTP, and whether it will go wrong again."""
    import ssl

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted: {cause.verify_message}", True
        if isinstance(cause, ssl.SSLError):
            return (
                f"TLS failed: {(cause.reason or 'unknown reason').lower().replace('_', ' ')}",
                True,
            )
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower(), False
        cause = cause.__cause__ or cause.__context__
    return f"no proper answer ({type(error).__name__})", False


def _retry_after(text: str) -> float | None:
    """Seconds, or a date (RFC 9110 §10.2.3)."""
    from email.utils import parsedate_to_datetime

    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _printable(data: bytes) -> str:
    text = data.decode(errors="replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
