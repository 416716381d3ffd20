"""Build restic's command line out of flags, the words that a person typed, and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from resticprof.model import masking
from resticprof.model.types import Secret, Text, public, reveal, truth
from resticprof.restic import flags

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from resticprof.restic.flags import FlagInfo
    from resticprof.restic.situation import Flags, Situation


class Arguments(msgspec.Struct, frozen=True):
    """The words behind the program, and what was left out because restic does not know it."""

    words: tuple[Text, ...]
    dropped: tuple[str, ...] = ()  # flags of the configuration, then words of the command line

    def reveal(self) -> tuple[str, ...]:
        """The words for the process."""
        return tuple(reveal(word) for word in self.words)

    @property
    def public(self) -> tuple[str, ...]:
        """The same words as they may be shown."""
        return tuple(public(word) for word in self.words)


def render(
    command: str,
    found: Flags,
    *,
    extra: tuple[str, ...] = (),
    positional: tuple[Text, ...] = (),
    situation: Situation,
) -> Arguments:
    """`<command> <flags, sorted> <extra> <positional>`; nothing is quoted, no shell reads it.

    `extra` are the words of the command line, and belong to the main command only.
    """
    if extra and flags.is_command(f"{command}-{extra[0]}"):
        command, extra = f"{command}-{extra[0]}", extra[1:]
    kept = sorted(found)
    dropped: list[str] = []
    if situation.filter:
        known = flags.known(command, situation.version)
        kept = [name for name in kept if name in known and known[name].name == name]
        dropped = [f"--{name}" for name in sorted(found) if name not in kept]
        extra, unknown = _filtered(extra, known)
        dropped += unknown
    words = [word for name in kept for word in _rendered(name, found[name])]
    typed = _typed(extra, flags.known(command))
    return Arguments((*flags.words(command), *words, *typed, *positional), tuple(dropped))


def _rendered(name: str, values: tuple[Text, ...]) -> tuple[Text, ...]:
    return tuple(_prefixed(f"--{name}=", value) for value in values) or (f"--{name}",)


def _typed(words: Iterable[str], known: Mapping[str, FlagInfo]) -> Iterator[Text]:
    """The words of the command line, those that hold secrets as such."""
    owner = ""  # the flag whose value the next word may be
    for word in words:
        name, equals, value = word.partition("=")
        if word.startswith("--") and equals:
            yield _prefixed(name + equals, masking.named_secret(name[2:], value))
        else:
            yield masking.named_secret(owner, word)
        owner = next(_named(word, known), "") if word.startswith("-") and not equals else ""


def _prefixed(prefix: str, value: Text) -> Text:
    if isinstance(value, str):
        return prefix + value
    secret = value
    shown = prefix + secret.public
    if secret.fetched:
        return Secret(public=shown, source=lambda: prefix + secret.reveal())
    return Secret(prefix + secret.reveal(), public=shown)


def command_line(words: Iterable[Text]) -> str:
    r"""`"restic" "backup" "--tag=a"`, for people and for `ERROR_COMMANDLINE`; secrets are masked.

    `"` and `\` inside a word get a `\`.
    """
    shown = (public(word).replace("\\", "\\\\").replace('"', '\\"') for word in words)
    return " ".join(f'"{word}"' for word in shown)


def retry_lock(left: float, retry_after: float) -> str | None:
    """The value of `--retry-lock`, out of the seconds that may still be waited.

    restic waits whole minutes, ten at most, and we the rest: at least one attempt of our own has to
    fit behind it. `None` when there is nothing for restic to wait.
    """
    if retry_after <= 0:
        return None
    minutes = int(min(left - retry_after - 15.0, 600.0) // 60.0)
    return f"{minutes}m" if minutes > 0 else None


def names(command: str, words: tuple[str, ...]) -> frozenset[str]:
    """The flags among the words of a command, by long name; values and what follows `--` are not.

    `-qn` of a backup are `quiet` and `dry-run`; a `--dry-run=false` is none.
    """
    known = flags.known(command)
    found: set[str] = set()
    rest = list(words)
    while rest and (word := rest.pop(0)) != "--":
        if not word.startswith("-") or word == "-":
            continue
        found.update(_named(word, known))
        if _read(word, known) == (True, True) and rest:
            rest.pop(0)
    return frozenset(found)


def _named(word: str, known: Mapping[str, FlagInfo]) -> Iterator[str]:
    text, _, value = word.partition("=")
    if text.startswith("--"):
        flag = known.get(text[2:])
        if flag is None or flag.takes_value or truth(value) is not False:
            yield text[2:]
        return
    for letter in text[1:]:
        flag = known.get(letter)
        if flag is None or flag.short != letter:
            return
        yield flag.name
        if flag.takes_value:
            return


# ---- the filter for the words of the command line -------------------------------------------


def _filtered(
    words: tuple[str, ...], known: Mapping[str, FlagInfo]
) -> tuple[tuple[str, ...], list[str]]:
    """What may stay, and what is left out; a flag goes together with the value that follows it."""
    kept: list[str] = []
    dropped: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return (*kept, word, *rest), dropped
        if not word.startswith("-") or word == "-":
            kept.append(word)
            continue
        is_known, wants_value = _read(word, known)
        if is_known:
            kept.append(word)
            if rest and wants_value:
                kept.append(rest.pop(0))
        else:
            follows = bool(rest) and not rest[0].startswith("-") and _may_want_value(word)
            dropped.append(f"{word} {rest.pop(0)}" if follows else word)
    return tuple(kept), dropped


def _read(word: str, known: Mapping[str, FlagInfo]) -> tuple[bool, bool]:
    """Whether restic knows every flag in the word, and whether the next word is a value.

    As pflag reads it: `-qn` are two flags, `-H box`, `-Hbox` and `-H=box` are one.
    """
    if word.startswith("--"):
        name, equals, _ = word[2:].partition("=")
        flag = known.get(name)
        if flag is None or flag.name != name:
            return False, False
        return True, flag.takes_value and not equals
    letters, equals, _ = word[1:].partition("=")
    for number, letter in enumerate(letters, start=1):
        flag = known.get(letter)
        if flag is None or flag.short != letter:
            return False, False
        if flag.takes_value:
            return True, number == len(letters) and not equals
    return bool(letters), False


def _may_want_value(word: str) -> bool:
    """Whether a flag that this restic does not know could own the next word; doubt means yes.

    Otherwise the value would become a path to back up, or a snapshot to forget.
    """
    if "=" in word or (not word.startswith("--") and len(word) > 2):
        return False
    flag = flags.find(word.lstrip("-"))
    return flag is None or flag.takes_value
