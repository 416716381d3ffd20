"""A profile in, restic's command lines out: tests/golden/argv/*.json and *.txt."""

from __future__ import annotations

import json
import os

import pytest

from resticprof.restic import argv, collect
from resticprof.restic.situation import Situation
from resticprof.restic.versions import Version
from tests.kit.profiles import profile
from tests.kit.project import CHECKOUT

GOLDEN = CHECKOUT / "tests" / "golden" / "argv"


def lines(case):
    situation = case.get("situation", {})
    here = Situation(
        version=Version.parse(situation.get("version", "")),
        filter=situation.get("filter", True),
        hostname="box",
        variables=situation.get("variables", {}),
        sources=lambda: tuple(situation.get("sources", ())),
        source_directory="/work",
        quiet=situation.get("quiet", False),
        verbose=situation.get("verbose", 0),
    )
    for words in case["runs"]:
        section, *extra = words
        wanted = profile(**case["profile"])
        if section == "second-init":
            command, found = "init", collect.second_init_flags(wanted, here)
        else:
            command = "forget" if section == "retention" else section
            found = collect.collect(wanted, section, here)
        arguments = argv.render(
            command,
            found,
            extra=tuple(extra),
            positional=collect.positional(wanted, section, here),
            situation=here,
        )
        yield f"$ {' '.join(words)}"
        yield from arguments.reveal()
        yield from (f"(left out: {word})" for word in arguments.dropped)
        yield ""


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda path: path.stem)
def test_argv_is_as_recorded(path):
    text = "\n".join(lines(json.loads(path.read_text())))
    golden = path.with_suffix(".txt")
    if os.environ.get("RESTICPROF_UPDATE_GOLDEN") == "1":
        golden.write_text(text)
    assert text == golden.read_text()
