"""Members of a group side by side: each in a process of its own, with its lines marked."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import INTERNAL, PLEASE, Error
from resticprof.model.run import Command, Invocation, Report
from resticprof.runs.roster import Member, Waiting
from resticprof.runs.selection import Selection
from resticprof.system import directories, files, process, program
from resticprof.system.logs import unmarked

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.runs.session import Session
    from resticprof.system.signals import Signals

log = logging.getLogger("resticprof")


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a member's process is told; it puts its `Report` into the file `answer`."""

    group: str
    selection: Selection
    invocation: Invocation
    answer: str


def orders(group: str, chosen: list[Selection], session: Session) -> list[Order]:
    """An order for each member."""
    return [_order(group, one, session, number) for number, one in enumerate(chosen)]


def _order(group: str, selection: Selection, session: Session, number: int) -> Order:
    """The order for one member. Its words come back to us, so it has no log target of its own."""
    answer = directories.private() / f"member-{number}.json"
    invocation = msgspec.structs.replace(
        session.invocation,
        name=selection.name,
        log="",
        command_output="console",
        stderr=False,
        no_prio=True,  # it inherits ours
        wait=False,
    )
    return Order(group=group, selection=selection, invocation=invocation, answer=str(answer))


def run_side_by_side(
    orders: list[Order],
    waiting: Waiting,
    session: Session,
    *,
    go_on: Callable[[Member], bool],
) -> list[Member]:
    """Carry out the orders as `waiting` lets them start, as long as `go_on` says so."""
    members = [Member(name=order.selection.name) for order in orders]
    ended: queue.SimpleQueue[tuple[int, Member]] = queue.SimpleQueue()

    def work(place: int, signals: Signals) -> None:
        ended.put((place, _run(orders[place], session, signals)))

    while True:
        for place in waiting.start():
            threading.Thread(target=work, args=(place, session.signals.branch())).start()
        if not waiting:
            return members
        place, members[place] = ended.get()
        waiting.end(place)
        if not go_on(members[place]):
            waiting.stop()


def _run(order: Order, session: Session, signals: Signals) -> Member:
    """Run a member to its end; whatever goes wrong, there is a row for it."""
    name = order.selection.name
    streams = session.routes.of_member(f"[{name}] ")
    try:
        result = process.run(_command(order), streams, patient=True, signals=signals)
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            report = msgspec.json.decode(Path(order.answer).read_bytes(), type=Report)
            return Member.ran(name, report)
        _, last_words = unmarked(result.stderr.strip().rpartition("\n")[2])
        code = result.exit_code if result.exit_code >= 0 else 128 - result.exit_code
        return Member.broken(name, code, last_words or process.cause(result))
    except Error as error:
        return Member.broken(name, error.exit_code, str(error))
    except Exception as error:
        log.exception("[%s] %s", name, PLEASE)
        return Member.broken(name, INTERNAL, f"{PLEASE}: {error}")


def _command(order: Order) -> Command:
    ours = os.environ.items()
    environment = {name: value for name, value in ours if name != "NOTIFY_SOCKET"}
    words = (*program.words(), "run-member", msgspec.json.encode(order).decode())
    return Command(argv=words, env=environment)


def read(text: str) -> Order:
    """The order, in the process of the member."""
    return msgspec.json.decode(text, type=Order)


def answer(order: Order, report: Report) -> None:
    """How the member ended, without its log: that has been shown."""
    short = msgspec.structs.replace(report, log=())
    files.write_atomically(order.answer, msgspec.json.encode(short), mode=0o600)
