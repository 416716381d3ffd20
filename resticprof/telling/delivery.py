"""Deliver an event to one service: every message of its talk, with further attempts."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error, HttpError, MonitorError
from resticprof.model import masking
from resticprof.model import report as reports
from resticprof.model.config import Global, Group, Profile
from resticprof.model.run import Fact, HttpRequest, HttpResponse, Notification, Transport
from resticprof.model.types import known, reveal
from resticprof.monitors import registry, talk
from resticprof.system import apprise, environment, http

if TYPE_CHECKING:
    from resticprof.model.monitor import Monitor
    from resticprof.model.run import Event, Message
    from resticprof.system.logs import Scrubber

log = logging.getLogger("resticprof.monitor")

HARD_LIMIT = 60.0  # seconds that anybody waits for one event of one service
FIRST_PAUSE = 0.5  # seconds before the second attempt; doubles, with jitter

GOOD = tuple(range(200, 300))
"""Statuses that mean success, unless the request says which do."""

Wait = Callable[[float], bool]
"""Wait so many seconds before another attempt; False: there is no time for it."""


class Delivery:
    """The way to one service: who it is, how requests travel, and what it said before."""

    def __init__(
        self,
        monitor: Monitor,
        global_: Global,
        *,
        scrubber: Scrubber | None = None,
        dry_run: bool = False,
    ) -> None:
        self.monitor = monitor
        self.name = registry.title(monitor)
        self.budget = min(HARD_LIMIT, float(monitor.timeout) * (monitor.retries + 1))
        self.dry_run = dry_run
        self._scrubber = scrubber
        self._transport = Transport(
            timeout=float(monitor.timeout),
            verify=not monitor.skip_tls_verification,
            ca_certificates=(*global_.ca_certificates, *monitor.ca_certificates),
            client_cert=monitor.tls_client_cert,
            client_key=monitor.tls_client_key,
            strict_redirects=True,
        )
        self._facts: dict[str, str] = {}

    def send(self, event: Event, *, retries: int, wait: Wait) -> int:
        """Deliver one event, in so many messages. Raises `Error` when the service is not told."""
        event = msgspec.structs.replace(self._scrubbed(event), facts=dict(self._facts))
        sent = 0

        def deliver(message: Message) -> HttpResponse:
            nonlocal sent
            if isinstance(message, Fact):
                self._facts[message.name] = message.value
                return talk.REHEARSAL
            sent += 1
            if self.dry_run:
                log.info("dry-run: %s: %s", self.name, shown(message))
            elif isinstance(message, Notification):
                apprise.send(message)
            else:
                return self._request(message, retries, wait)
            return talk.REHEARSAL

        talk.converse(self.monitor.messages(event), deliver)
        return sent

    def within_budget(self) -> Wait:
        """A plain wait that ends with the budget of one event, counted from now."""
        return until(time.monotonic() + self.budget)

    def _scrubbed(self, event: Event) -> Event:
        """The event without the secrets of this service, which are fetched at its first event."""
        if self._scrubber is None:
            return event
        for secret in masking.all_secrets(self.monitor):
            secret.reveal()
        self._scrubber.learn(masking.secrets_in(self.monitor))
        return scrubbed(event, self._scrubber.scrub)

    def _request(self, request: HttpRequest, retries: int, wait: Wait) -> HttpResponse:
        """One request, and up to so many again: only what can heal is tried again."""
        extra = tuple((header.name, header.value) for header in self.monitor.headers if header.name)
        request = msgspec.structs.replace(
            request, headers=(*request.headers, *extra), accept=request.accept or GOOD
        )
        pause = FIRST_PAUSE
        while True:
            try:
                return _of_service(http.send(request, self._transport))
            except HttpError as error:
                seconds = error.retry_after or pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
                if retries <= 0 or not http.retryable(error) or not wait(seconds):
                    where = str(request.url).partition("?")[0]
                    raise MonitorError(f"{error} ({request.method} {where})") from error
                log.debug("%s: %s; trying again", self.name, error)
                retries -= 1
                pause *= 2


def _of_service(answer: HttpResponse) -> HttpResponse:
    """The answer. Frontends and captive portals say 200 and show a page, whatever they are asked.

    No service of ours does. Raises `HttpError`.
    """
    if answer.body[:100].lstrip().lower().startswith((b"<!doctype html", b"<html")):
        raise HttpError(
            "a web page came instead of an answer; is the URL right, or is there a login before it?"
        )
    return answer


def variables(sender: Profile | Group, *, follow: bool = True) -> dict[str, str]:
    """What texts know besides the run: the environment of a profile, as it is today.

    Without `follow` a secret reference stands for its value.
    """
    if isinstance(sender, Group):
        return {}
    try:
        value_of = reveal if follow else known
        own = {name: value_of(value) for name, value in sender.env.items()}
        return environment.of_profile(files=sender.env_file, variables=own)
    except Error as error:
        log.debug("%s", error)
        return {}


def until(deadline: float) -> Wait:
    """A plain wait; there is time as long as `deadline` (monotonic) lies behind its end."""

    def wait(seconds: float) -> bool:
        if time.monotonic() + seconds > deadline:
            return False
        time.sleep(seconds)
        return True

    return wait


def rehearsed(monitor: Monitor, event: Event) -> list[str]:
    """Every message of an event as a dry run shows it."""
    texts: list[str] = []

    def deliver(message: Message) -> HttpResponse:
        if not isinstance(message, Fact):
            texts.append(shown(message))
        return talk.REHEARSAL

    talk.converse(monitor.messages(event), deliver)
    return texts


def shown(message: HttpRequest | Notification) -> str:
    """A message as a dry run shows it, secrets masked."""
    if isinstance(message, Notification):
        services = zip(message.labels, message.urls, strict=True)
        names = ", ".join(label or str(url) for label, url in services)
        return f"notify {names}: {message.title}\n{message.body}"
    body = message.body if message.public_body is None else message.public_body
    text = (body or b"").decode(errors="replace")
    return f"{message.method} {message.url}" + (f"\n{text}" if text else "")


def scrubbed(event: Event, scrub: Callable[[str], str]) -> Event:
    """The event without known secrets: some may have become known after it was written."""
    report = reports.scrubbed(event.report, scrub)
    lines = tuple(msgspec.structs.replace(line, text=scrub(line.text)) for line in report.log)
    report = msgspec.structs.replace(report, log=lines)
    return msgspec.structs.replace(event, report=report, sentence=scrub(event.sentence))
