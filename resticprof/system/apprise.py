"""Deliver notifications with Apprise: the library, or the `apprise` program."""

from __future__ import annotations

import functools
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from resticprof.errors import Error, MonitorError, NotAvailable, PartlyToldError
from resticprof.model.run import Command, Notification
from resticprof.model.types import Secret
from resticprof.system import directories, process
from resticprof.system.signals import Signals
from resticprof.system.streams import Stream

if TYPE_CHECKING:
    from types import ModuleType

Deliver = Callable[[Notification, Secret], None]
"""Tell one service. In the text of an error, `{who}` stands for its name."""

TIMEOUT = 60.0
"""Seconds for all services; the library has limits of its own for each of them."""

INSTALL = (
    "Apprise is not installed: `pip install resticprof[apprise]`, install the program `apprise`, "
    "or set `api-url` to an Apprise API server"
)

NOTHING = "Apprise found nobody to notify; check the URLs in `services`"

FAILED = "{who} could not be notified"

LATE = "{who} did not answer in time"

REASONS = {
    1: FAILED,
    2: "the program `apprise` is too old",
    3: NOTHING,
    4: FAILED,
    5: LATE,
}
"""Exit statuses of the program; 2: it does not know our arguments."""


def send(notification: Notification) -> None:
    """Notify all services at the same time. Raises `MonitorError` when one could not be told.

    In the main thread, a signal ends the wait; it is not taken as told by that.
    """
    deliver = _way(notification.backend)
    if not notification.urls:
        raise MonitorError(NOTHING)
    missing = [place for place in range(len(notification.urls)) if place not in notification.told]
    posts = [_Post(deliver, notification, place) for place in missing]
    for post in posts:
        post.start()
    main = threading.current_thread() is threading.main_thread()
    signals = Signals.active() if main else Signals()
    if not signals.join(posts, time.monotonic() + TIMEOUT) and signals.pending:
        raise MonitorError("interrupted")
    if failures := [post.failure for post in posts if post.failure]:
        told = tuple(post.place for post in posts if not post.failure)
        raise PartlyToldError("; ".join(failures), told=notification.told + told)


def _way(backend: str) -> Deliver:
    library = None if backend == "executable" else _library()
    program = None if backend == "library" else shutil.which("apprise")
    if library is not None:
        return functools.partial(_send_with_library, library)
    if program is not None:
        return functools.partial(_send_with_program, program)
    raise NotAvailable(INSTALL)


class _Post(threading.Thread):
    """What one service is told, in a thread that nobody waits for when we end.

    Apprise would use a pool for several, and at its end Python waits for that, however long a
    server hangs.
    """

    def __init__(self, deliver: Deliver, notification: Notification, place: int) -> None:
        super().__init__(name="apprise", daemon=True)
        self._deliver = deliver
        self._notification = notification
        self.place = place
        label = notification.labels[place] if place < len(notification.labels) else ""
        self._who = f"`{label}`" if label else f"service {place + 1}"
        self.failure = LATE.replace("{who}", self._who)  # until it has ended

    def run(self) -> None:
        try:
            self._deliver(self._notification, self._notification.urls[self.place])
        except Error as error:
            self.failure = str(error).replace("{who}", self._who)
        except Exception as error:  # noqa: BLE001 - of a library with a hundred plugins
            self.failure = f"{FAILED.replace('{who}', self._who)}: {type(error).__name__}"
        else:
            self.failure = ""


def _library() -> ModuleType | None:
    try:
        import apprise
    except ImportError:
        return None
    module: ModuleType = apprise
    return module


def _send_with_library(library: ModuleType, notification: Notification, url: Secret) -> None:
    service = library.Apprise(asset=_asset(library))
    if not service.add(url.reveal()):
        raise MonitorError("Apprise does not know the URL of {who}")
    told = service.notify(
        body=notification.body,
        title=notification.title,
        notify_type=notification.kind,
        body_format="text",
    )
    if not told:
        raise MonitorError(FAILED)


def _asset(library: ModuleType) -> object:
    """Settings of the library. The limit for each service, where there is one, needs a pool."""
    try:
        return library.AppriseAsset(service_timeout=0)
    except AttributeError:  # an older one, without such a limit
        return library.AppriseAsset()


def _send_with_program(program: str, notification: Notification, url: Secret) -> None:
    """The URL goes through a private file and the text through stdin: all can read arguments."""
    directory = directories.private()
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", dir=directory) as config:
        config.write(json.dumps({"version": 1, "urls": [url.reveal()]}))  # JSON is YAML
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
        raise MonitorError(REASONS.get(result.exit_code, process.cause(result)))
