"""https://watchgoose.com speaks the protocol of Healthchecks."""

from __future__ import annotations

from typing import Annotated, ClassVar

from resticprof.model.table import Key
from resticprof.monitors.healthchecks import Healthchecks


class Watchgoose(Healthchecks, kw_only=True):
    """The same as Healthchecks, with another home, a smaller limit, and no log unless asked."""

    HOME: ClassVar[str] = "https://watchgoose.com/"

    send_logs: Annotated[bool, Key("send summary, error and log as the body")] = False
    body_limit: Annotated[
        int,
        Key(
            "bytes of a body; 0: no limit; a lower limit that the server announces wins",
            aliases=("ping-body-limit",),
        ),
    ] = 10_000


SERVICE = Watchgoose
