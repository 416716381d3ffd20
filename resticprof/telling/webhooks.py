"""The HTTP hooks `send-before`, `send-after`, `send-after-fail` and `send-finally`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

import msgspec

from resticprof.errors import PLEASE, Error
from resticprof.model import expansion, masking
from resticprof.model.config import Global, Webhook
from resticprof.model.run import HttpRequest, Transport
from resticprof.model.types import reveal
from resticprof.system import http
from resticprof.system.signals import Signals

log = logging.getLogger("resticprof.http")

FREE_TEXTS = frozenset(
    {"ERROR", "ERROR_MESSAGE", "ERROR_COMMANDLINE", "ERROR_STDERR", "SUMMARY", "LOG"}
)
"""Variables that are escaped inside a URL; the others are parts of it."""

RenderBody = Callable[[str, str], str]
"""`render(text, file)`: a body template with the data of this run."""


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What the requests of one moment have in common."""

    variables: Mapping[str, str]
    render: RenderBody
    global_: Global
    signals: Signals
    dry_run: bool = False


def build(hook: Webhook, sending: Sending) -> HttpRequest:
    """The request with its variables replaced. Raises `Error` when it cannot be made."""
    variables = sending.variables

    def in_url(name: str) -> str:
        value = variables.get(name, "")
        return quote_plus(value) if name in FREE_TEXTS else value

    url = expansion.expand(reveal(hook.url or ""), in_url)
    if not url:
        raise Error("a request without `url`")
    body = expansion.expand(reveal(hook.body or ""), expansion.from_mapping(variables))
    if hook.body_template:
        rendered = _from_template(hook.body_template, sending.render)
        body = body or rendered
    return HttpRequest(
        method=hook.method or "GET",
        url=masking.url_secret(url),
        headers=tuple((header.name, header.value) for header in hook.headers if header.name),
        body=body.encode(errors="replace") if body else None,
    )


def _from_template(file: str, render: RenderBody) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Error(f"body-template `{file}` cannot be read: {error.strerror}") from error
    return render(text, file)


def send(hooks: Iterable[Webhook], sending: Sending) -> list[Messenger]:
    """Send hooks; those to one host in their order, different hosts at the same time.

    A failure is a warning, no more. Returns those that nobody has waited for (`background`).
    """
    background: list[Messenger] = []
    queues: dict[str, Messenger] = {}
    for hook in hooks:
        try:
            request = build(hook, sending)
        except Error as error:
            log.warning("HTTP hook: %s", error)
            continue
        transport = Transport(
            timeout=float(sending.global_.send_timeout),
            verify=not hook.skip_tls_verification,
            ca_certificates=sending.global_.ca_certificates,
        )
        if sending.dry_run:
            _show(request)
        elif hook.background:
            background.append(Messenger((request, transport)))
        else:
            queues.setdefault(_host(request), Messenger()).add(request, transport)
    for messenger in (*background, *queues.values()):
        messenger.start()
    wait(queues.values(), sending.signals)
    return background


def wait(messengers: Iterable[Messenger], signals: Signals) -> None:
    """Wait for the answers, but not through a signal: what has none by then is given up."""
    running = tuple(messengers)
    if not signals.join(running):
        give_up(running)


def give_up(messengers: Iterable[Messenger]) -> None:
    """Nobody waits any more."""
    for messenger in messengers:
        messenger.give_up()


class Messenger(threading.Thread):
    """Requests that are sent one after the other, each with an answer or a warning."""

    def __init__(self, *requests: tuple[HttpRequest, Transport]) -> None:
        super().__init__(name="HTTP hooks", daemon=True)
        self._requests = list(requests)
        self._given_up = False

    def add(self, request: HttpRequest, transport: Transport) -> None:
        """One more, before the start."""
        self._requests.append((request, transport))

    def run(self) -> None:
        """Send them all, as long as somebody waits."""
        for request, transport in self._requests:
            if not self._given_up:
                self._send(request, transport)

    def _send(self, request: HttpRequest, transport: Transport) -> None:
        try:
            http.send(request, transport)
        except Exception as error:
            if self._given_up:
                return
            known = isinstance(error, Error)
            log.warning(
                "HTTP hook %s %s: %s",
                request.method,
                request.url,
                error if known else PLEASE,
                exc_info=not known,
            )

    def give_up(self) -> None:
        """Send nothing more, and say nothing about what is under way."""
        if self.is_alive():
            self._given_up = True
            log.warning(
                "HTTP hooks: interrupted before the answer of %s", _host(self._requests[0][0])
            )


def _host(request: HttpRequest) -> str:
    """Host and port; hooks with the same ones are sent in their order."""
    try:
        return urlsplit(reveal(request.url)).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _show(request: HttpRequest) -> None:
    """What a dry run says instead of sending."""
    headers = "".join(f"\n  {name}: {value}" for name, value in request.headers)
    body = f"\n  {request.body.decode(errors='replace')}" if request.body else ""
    log.info("dry-run: %s %s%s%s", request.method, request.url, headers, body)
