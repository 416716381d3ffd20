"""Tell Go's template language and Jinja2 apart."""

from __future__ import annotations

import re
from typing import Literal

from resticprof.templates.builtins import BUILTINS
from resticprof.templates.evaluate import LAZY
from resticprof.templates.functions import FUNCTIONS

_TAGS = "if|for|set|raw|macro|block|include|import|from|extends|call|filter|with|do"
_ACTION = rf"\{{\{{-?(?P<inside>.*?)\}}\}}|\{{%[-+]?\s*(?:{_TAGS})\b"
_TEXT = r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.|[^'\\])*'"

_ONLY_GO = r"""
    ^\s*/\*                                         # a comment
    | ` | \$ | :=                                   # raw text, a variable
    | (?<![\w)\]"'.])\.(?=[A-Za-z_]|\s|\)|\||$)     # dot, or a field of it
    | ^\s*(?:if|range|with|end|else|define|template|block|break|continue)\b
    | (?:^|[|(])\s*(?!not\b|-)\w+\s+(?!(?:if|else|in|is|not|and|or)\b)["\w(]  # function, argument
"""
_ONLY_JINJA = r"""
    \w\(                        # a call
    | [\[\]{}~*%<>!,/]|==       # operators
    | \s[-+]\s|[\w)\]"]\s+(?:and|or)\b
    | (?<![\w.])[A-Za-z_]\w*\.  # an attribute
"""
_KNOWN = {*BUILTINS, *FUNCTIONS, *LAZY, "tempDir", "tempFile", "env", "true", "false", "nil"}


def of(text: str) -> Literal["go", "jinja2"]:
    """The language of the first action that only one of the two can read; Go's if there is none."""
    for found in re.finditer(_ACTION, text, re.DOTALL):
        if found["inside"] is None:
            return "jinja2"
        action = re.sub(_TEXT, '""', found["inside"], flags=re.DOTALL)
        if re.search(_ONLY_GO, action, re.VERBOSE):
            return "go"
        if re.search(_ONLY_JINJA, action, re.VERBOSE) or not _KNOWN.issuperset(_names(action)):
            return "jinja2"
    return "go"


def _names(action: str) -> list[str]:
    """Words that stand for something by themselves, unlike attributes."""
    return re.findall(r"(?<![\w.])[A-Za-z_]\w*", action)
