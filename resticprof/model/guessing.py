"""What looks secret in a text that nobody has read yet, by the words around it. Pure."""

from __future__ import annotations

import re

from resticprof.model.types import MASK

_VALUE = r"""\\?["']?(?P<secret>(?![$×\s])(?:
    (?<=")[^"\n]+?(?=\\?") | (?<=')[^'\n]+?(?=') | [^\s"'&,;}]+))"""
"""A value, in quotes or not; a variable is no secret, and what is hidden already is none."""

_NAME = r"""(?:[\w.-]{0,60}(?:passw(?:or)?d|passphrase|secret|token|credential
        |(?:api|account)[_-]?key|access[_-]?key(?![_-]?id))
        [\w.-]{0,60}(?<!file)(?<!hint)(?<!command)
    |\w+_(?:key|pass|pwd|sas)|sshpass|pass(?=\s*=))"""

_HINTS = (
    *("pass", "secret", "token", "credential", "key", "_pwd", "_sas", "authorization", "cookie"),
    *("bearer", "basic", "-u", "mysql", "mariadb"),
)
"""Without any of these words no pattern fits: restic names a million files in its lines."""

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.VERBOSE)
    for pattern in (
        # `Authorization: …` to the end of the quote, and cookies
        r"""\b(?:authorization|cookie)["']?\s*[=:]\s*\\?["']?
            (?P<secret>(?![$×\s]|\w+\s+[$×])[^"'\\\n]+)""",
        r"""\b(?:bearer|basic)\s+(?P<secret>(?![$×])[\w.~+/=-]{6,})""",
        # `token=…`, `"password": "…"`; but behind the place of a mistake stands a key without its
        # value, and in `/etc/passwd: …` something is said about a file
        rf""":\d+:\ (?:[\w-]+(?:\.[^\s:]+)+:\ |[^\s:]+:\ (?=unknown\ key|expected))
            |(?:(?<![\w/-]){_NAME}["'\\]*\s*[=:]|(?<=/){_NAME}\s*=)\s*{_VALUE}""",
        rf"""(?<!\S)--?[\w-]{{0,60}}(?<!no-)(?:password|passphrase|secret|token|api-key)
            \s+(?!-){_VALUE}""",
        # `curl -u me:…`, but not `docker run -u 1000:1000`
        rf"""(?<!\S)(?:-u|--user|--proxy-user)[\s=]*["']?[^\s:"'/]+:(?!\d+(?:\s|$)){_VALUE}""",
        # short options, of programs that everybody gives passwords to
        rf"""\bsshpass\s[^|;&\n]{{0,200}}?-p\s*{_VALUE}""",
        rf"""\b(?:mysql|mariadb)[\w-]*\s(?:[^|;&\n]{{0,200}}?\s)?-p{_VALUE}""",
    )
)


def without_secrets(text: str) -> str:
    """The text without what stands behind `token=`, `Authorization:`, `--password` and its like."""
    small = text.lower()
    if any(hint in small for hint in _HINTS):
        for pattern in _PATTERNS:
            text = pattern.sub(_masked, text)
    return text


def _masked(found: re.Match[str]) -> str:
    start, end = found.span("secret")
    if start < 0:
        return found[0]
    return found.string[found.start() : start] + MASK + found.string[end : found.end()]
