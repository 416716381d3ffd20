"""The HTTP hooks `send-before`, `send-after`, `send-after-fail` and `send-finally`."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote_plus, urlsplit

import msgspec

from resticprof.errors import Error
from resticprof.model import expansion, masking
from resticprof.model.config import Global, Webhook
from resticprof.model.run import HttpRequest, Transport
from resticprof.model.types import reveal
from resticprof.system import http

log = logging.getLogger("resticprof.http")

FREE_TEXTS = frozenset({"ERROR", "ERROR_COMMANDLINE", "ERROR_STDERR", "SUMMARY", "LOG"})
"""Variables that are escaped inside a URL; the others are parts of it."""

RenderBody = Callable[[str, str], str]
"""`render(text, file)`: a body template with the data of this run."""


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """What the requests of one moment have in common."""

    variables: Mapping[str, str]
    render: RenderBody
    global_: Global
    dry_run: bool = False


def build(hook: Webhook, sending: Sending) -> HttpRequest:
    """The request with its variables replaced. Raises `Error` when it cannot be made."""
    if hook.url is None:
        raise Error("a request without `url`")
    variables = sending.variables

    def in_url(name: str) -> str:
        value = variables.get(name, "")
        return quote_plus(value) if name in FREE_TEXTS else value

    url = expansion.expand(hook.url.reveal(), in_url)
    body = (
        expansion.expand(reveal(hook.body), expansion.from_mapping(variables)) if hook.body else ""
    )
    if hook.body_template:
        rendered = _from_template(hook.body_template, sending.render)
        body = body or rendered
    return HttpRequest(
        method=hook.method or "GET",
        url=masking.url_secret(url),
        headers=tuple((header.name, header.value) for header in hook.headers if header.name),
        body=body.encode() if body else None,
    )


def _from_template(file: str, render: RenderBody) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise Error(f"body-template `{file}` cannot be read: {error.strerror}") from error
    return render(text, file)


def send(hooks: tuple[Webhook, ...], sending: Sending) -> list[threading.Thread]:
    """Send them in order; different hosts at the same time. A failure is a warning, no more.

    Returns the threads of those that nobody waits for yet (`background`).
    """
    background: list[threading.Thread] = []
    queues: dict[str, list[tuple[Webhook, HttpRequest]]] = {}
    for hook in hooks:
        try:
            request = build(hook, sending)
        except Error as error:
            log.warning("HTTP hook: %s", error)
            continue
        if sending.dry_run:
            _show(request)
        elif hook.background:
            background.append(_start([(hook, request)], sending.global_))
        else:
            queues.setdefault(_host(request), []).append((hook, request))
    threads = [_start(queue, sending.global_) for queue in list(queues.values())[1:]]
    for queue in list(queues.values())[:1]:
        _send_queue(queue, sending.global_)
    for thread in threads:
        thread.join()
    return background


def _start(queue: list[tuple[Webhook, HttpRequest]], global_: Global) -> threading.Thread:
    thread = threading.Thread(target=_send_queue, args=(queue, global_), daemon=True)
    thread.start()
    return thread


def _send_queue(queue: list[tuple[Webhook, HttpRequest]], global_: Global) -> None:
    for hook, request in queue:
        transport = Transport(
            timeout=float(global_.send_timeout),
            verify=not hook.skip_tls_verification,
            ca_certificates=global_.ca_certificates,
        )
        try:
            http.send(request, transport)
        except Error as error:
            log.warning("HTTP hook %s %s: %s", request.method, request.url, error)


def _host(request: HttpRequest) -> str:
    try:
        return urlsplit(reveal(request.url)).netloc
    except ValueError:
        return ""


def _show(request: HttpRequest) -> None:
    """What a dry run says instead of sending."""
    headers = "".join(f"\n  {name}: {value}" for name, value in request.headers)
    body = f"\n  {request.body.decode(errors='replace')}" if request.body else ""
    log.info("dry-run: %s %s%s%s", request.method, request.url, headers, body)
