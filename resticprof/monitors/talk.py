"""Carry a talk between a monitor and whoever delivers its messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.model.run import HttpResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.monitor import Talk
    from resticprof.model.run import Message

REHEARSAL = HttpResponse(status=200, body=b'{"result": ""}')
"""What a dry run answers, so that every talk comes to its end."""


def converse(talk: Talk, deliver: Callable[[Message], HttpResponse]) -> None:
    """Deliver each message and hand its answer back.

    An error of `deliver` is thrown into the talk, so that the service can clean up with further
    messages; then it comes out here. Messages without an answer get an empty response.
    """
    try:
        message = next(talk)
        while True:
            try:
                answer = deliver(message)
            except Error as error:
                message = talk.throw(error)
            else:
                message = talk.send(answer)
    except StopIteration:
        return
