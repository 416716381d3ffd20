"""Deliver notifications with Apprise: the library, or the `apprise` program."""

from __future__ import annotations

import json
import shutil
import tempfile
from typing import TYPE_CHECKING

from resticprof.errors import MonitorError, NotAvailable
from resticprof.model.run import Command, Notification
from resticprof.system import files, process
from resticprof.system.signals import Signals
from resticprof.system.streams import Stream

if TYPE_CHECKING:
    from types import ModuleType

TIMEOUT = 60.0
"""Seconds for the program; the library has limits of its own for each service."""

INSTALL = (
    "Apprise is not installed: `pip install resticprof[apprise]`, install the program `apprise`, "
    "or set `api-url` to an Apprise API server"
)

NOTHING = "Apprise found nobody to notify; check the URLs in `services`"

FAILED = "{who} could not be notified"

REASONS = {
    1: FAILED,
    2: "the program `apprise` is too old",
    3: NOTHING,
    4: FAILED,
    5: "{who} did not answer in time",
}
"""Exit statuses of the program; 2: it does not know our arguments."""


def send(notification: Notification) -> None:
    """Notify all services; `MonitorError` when one of them could not be told."""
    library = None if notification.backend == "executable" else _library()
    program = None if notification.backend == "library" else shutil.which("apprise")
    if not notification.urls:
        raise MonitorError(NOTHING)
    if library is not None:
        _send_with_library(library, notification)
    elif program is not None:
        _send_with_program(program, notification)
    else:
        raise NotAvailable(INSTALL)


def _library() -> ModuleType | None:
    try:
        import apprise
    except ImportError:
        return None
    module: ModuleType = apprise
    return module


def _send_with_library(library: ModuleType, notification: Notification) -> None:
    services = library.Apprise()
    for position, url in enumerate(notification.urls):
        if not services.add(url.reveal()):
            raise MonitorError(f"Apprise does not know the URL of {_name(notification, position)}")
    result = services.notify(
        body=notification.body,
        title=notification.title,
        notify_type=notification.kind,
        body_format="text",
    )
    if not result:
        raise MonitorError(FAILED.format(who=_who(notification)))


def _send_with_program(program: str, notification: Notification) -> None:
    """URLs go through a private file and the text through stdin: everyone can read arguments."""
    directory = files.private_directory()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=directory) as config:
        urls = [url.reveal() for url in notification.urls]
        config.write(json.dumps({"version": 1, "urls": urls}))  # JSON is YAML
        config.flush()
        quiet = Stream(echo=False)
        argv = (program, f"--config={config.name}", f"--notification-type={notification.kind}")
        result = process.run(
            Command(argv=(*argv, f"--title={notification.title}")),
            process.Streams(
                stdin=notification.body.encode(errors="replace"), stdout=quiet, stderr=quiet
            ),
            timeout=TIMEOUT,
            signals=Signals.active().branch(),
        )
    if result.exit_code:
        reason = REASONS.get(result.exit_code, process.cause(result))
        raise MonitorError(reason.format(who=_who(notification)))


def _who(notification: Notification) -> str:
    """The labels of all: Apprise does not say which one failed."""
    names = [_name(notification, position) for position in range(len(notification.urls))]
    return names[0] if len(names) == 1 else f"at least one of {', '.join(names)}"


def _name(notification: Notification, position: int) -> str:
    label = notification.labels[position] if position < len(notification.labels) else ""
    return f"`{label}`" if label else f"service {position + 1}"
