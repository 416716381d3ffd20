"""What every service is told, state by state, in golden files.

RESTICPROF_UPDATE_GOLDEN=1 writes them anew; then read the difference. "plain" is with everything
switched off that other tools do not send: those requests must be the ones that each service
documents. "full" is with the settings of the documentation.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from resticprof.model.run import HttpResponse, State
from resticprof.monitors import registry
from tests.kit.events import as_text, event, told
from tests.monitors.settings import FULL, PLAIN

GOLDEN = Path(__file__).parent.parent / "golden" / "monitors"

ANSWERS = {
    "healthchecks": [HttpResponse(status=200, headers={"ping-body-limit": "10000"})],
    "zabbix": [HttpResponse(status=200, body=b'{"jsonrpc":"2.0","result":"SESSION","id":1}')] * 3,
}


def chapters(name: str):
    for title, monitor in (("plain", PLAIN[name]), ("full", FULL[name])):
        for state in State:
            if state is State.WARN:
                for policy in ("finish", "fail", "log"):
                    told_so = msgspec.structs.replace(monitor, on_warning=policy)
                    yield f"{title}, warn counts as {policy}", told_so, state
            else:
                yield f"{title}, {state.value}", monitor, state


@pytest.mark.parametrize("name", registry.names())
def test_messages_are_the_golden_ones(name):
    parts = []
    for title, monitor, state in chapters(name):
        about = event(state)
        if not monitor.wants(about):
            parts.append(f"==== {title}: nothing\n")
            continue
        messages = told(monitor, about, *ANSWERS.get(name, []))
        texts = "\n--\n".join(as_text(message) for message in messages) or "(nothing)"
        parts.append(f"==== {title}\n{texts}\n")
    text = "\n".join(parts)
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("RESTICPROF_UPDATE_GOLDEN"):
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
