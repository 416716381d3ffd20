"""`complete`: what shells offer while a command line is typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import typer

from resticprof.cli import render
from resticprof.cli.app import RAW, app
from resticprof.cli.opening import read_configuration
from resticprof.errors import Error
from resticprof.model.run import OUTPUTS, Invocation
from resticprof.restic import flags
from resticprof.runs.selection import split

FILES = "__complete_file"  # the shell completes names of files itself
WHOLE = 200  # characters; enough for a sentence

_VALUES = {
    "format_": ("toml", "yaml", "json", "hcl"),
    "theme": ("light", "dark", "none"),
    "command_output": OUTPUTS,
}
_OF_FILES = frozenset({"config", "log"})
_NEVER_TYPED = frozenset({"run-schedule"})


class Candidate(msgspec.Struct, frozen=True):
    """One word that fits, and what it means."""

    word: str
    about: str = ""


Names = Callable[[str], list[Candidate]]
"""The profiles and groups of a configuration."""


@app.command("complete", hidden=True, context_settings=RAW)
def complete(ctx: typer.Context) -> None:
    """SHELL:vN __POS:INDEX WORD... : what can stand at that place, one a line."""
    shell, place, *words = [*ctx.args, "", ""]
    asked = re.fullmatch(r"(bash|zsh|fish):v(\d)", shell)
    position = re.fullmatch(r"__POS:(\d+)", place)
    if asked is None or position is None:
        return
    invocation: Invocation = ctx.obj
    root = ctx.find_root().command
    described = asked[1] == "fish" or (asked[1] == "zsh" and asked[2] != "1")
    for found in candidates(
        words[:-2], int(position[1]), root, lambda config: _names(config or invocation.config)
    ):
        about = f"\t{found.about}" if described and found.about else ""
        render.write(found.word + about)


def _names(config: str) -> list[Candidate]:
    """Profiles and groups by name; nothing when the configuration cannot be read."""
    try:
        configuration = read_configuration(Invocation(config=config), reveal=False)
    except Error:
        return []
    profiles = [Candidate(name, "profile") for name in configuration.names()]
    return profiles + [Candidate(group.name, "group") for group in configuration.groups.values()]


def candidates(words: list[str], position: int, root: Any, names: Names) -> list[Candidate]:
    """What fits at a position of the words; the first word is the program. Pure but for `names`."""
    before = [word for word in words[1:position] if word != "="]  # bash splits at `=`
    current = words[position] if position < len(words) else ""
    current = "" if current == "=" else current
    line = _Line(before, root)
    return [
        found
        for found in line.offers(current, names)
        if found.word == FILES or found.word.startswith(current)
    ]


class _Line:
    """The words before the cursor: our options, their values, and the command behind them."""

    def __init__(self, words: list[str], root: Any) -> None:
        self.root = root
        self.options = {name: option for option in root.params for name in option.opts}
        self.values: dict[str, str] = {}
        self.waiting: Any = None  # an option whose value comes next
        self.command = ""
        self.behind: list[str] = []  # the words behind the command
        for word in words:
            self._read(word)

    def _read(self, word: str) -> None:
        if self.command:
            self.behind.append(word)
        elif self.waiting is not None:
            self.values[self.waiting.name] = word
            self.waiting = None
        elif word.startswith("-"):
            name, equals, value = word.partition("=")
            option = self.options.get(name)
            if option is not None:
                self.values[option.name] = value
                self.waiting = None if equals or option.is_flag else option
        else:
            self.command = word

    def offers(self, current: str, names: Names) -> Iterator[Candidate]:
        """Everything that can come next, whatever was typed of it."""
        known = names(self.values.get("config", "")) if self._wants_names(current) else []
        name, equals, _ = current.partition("=")
        if self.waiting is not None:
            yield from _values(self.waiting, known)
        elif self.command:
            yield from self._of_command(current)
        elif equals and name in self.options:
            for value in _values(self.options[name], known):
                yield Candidate(f"{name}={value.word}", value.about)
        elif current.startswith("-"):
            yield from _options(self.root, set(self.values))
        else:
            yield from self._commands(current, known)

    def _wants_names(self, current: str) -> bool:
        named = self.waiting is not None and self.waiting.name == "name"
        return not self.command and (named or self.waiting is None or current.startswith("--name="))

    def _commands(self, current: str, known: list[Candidate]) -> Iterator[Candidate]:
        named = "name" in self.values
        prefix = "" if named else current[: current.rfind(".") + 1]
        own = {
            name: Candidate(prefix + name, command.get_short_help_str(WHOLE))
            for name, command in self.root.commands.items()
            if not command.hidden and name not in _NEVER_TYPED
        }
        names = {flags.words(name)[0] for name in flags.commands()} - own.keys()
        yield from own.values()
        yield from (Candidate(prefix + name, "command of restic") for name in sorted(names))
        if not prefix and not named:
            command, at, _ = current.partition("@")
            for candidate in known:
                word = f"{command}@{candidate.word}" if at else f"{candidate.word}."
                yield Candidate(word, candidate.about)

    def _of_command(self, current: str) -> Iterator[Candidate]:
        name = self.command if "name" in self.values else split(self.command)[1]
        own = self.root.commands.get(name)
        if own is None:
            yield from self._of_restic(name, current)
            return
        for word in self.behind:
            own = getattr(own, "commands", {}).get(word, own)
        if current.startswith("-"):
            yield from _options(own, set())
        elif name == "help":
            yield from self._commands("", [])
        for word, command in getattr(own, "commands", {}).items():
            yield Candidate(word, command.get_short_help_str(WHOLE))

    def _of_restic(self, name: str, current: str) -> Iterator[Candidate]:
        both = f"{name}-{self.behind[0]}" if self.behind else ""
        name = both if flags.is_command(both) else name
        seconds = [
            words[1] for words in map(flags.words, flags.commands()) if words[:-1] == (name,)
        ]
        if current.startswith("-"):
            for info in {info.name: info for info in flags.known(name).values()}.values():
                yield Candidate(f"--{info.name}", "flag of restic")
        elif seconds:
            yield from (Candidate(word, f"command of restic {name}") for word in seconds)
        else:
            yield Candidate(FILES)


def _options(command: Any, used: set[str]) -> Iterator[Candidate]:
    for option in command.params:
        if option.name not in used and not getattr(option, "hidden", False):
            for name in option.opts:
                if name.startswith("-"):
                    yield Candidate(name, getattr(option, "help", "") or "")


def _values(option: Any, known: list[Candidate]) -> Iterator[Candidate]:
    if option.name == "name":
        yield from known
    elif option.name in _OF_FILES:
        yield Candidate(FILES)
    else:
        yield from map(Candidate, _VALUES.get(option.name, ()))
