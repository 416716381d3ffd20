"""Which texts are secret, and how they look when they are shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from resticprof.model import guessing
from resticprof.model.types import MASK, Secret, Text

_PASSWORD = re.compile(
    r"(//[^:/@\s]+:)(?!\d{1,5}/)(?:[^/\s]+|[^@\s]+)(?=@\S)|"  # to the last `@` before a slash
    r"([:/][^:/@\s]+:)[^/\s]+(?=@\S)"
)
_TOKEN = re.compile(
    r"(?<!//)(?<=/)(?=[^/?#\s]*\d)(?:[A-Za-z]{0,4}[_-])?[A-Za-z0-9:~=_-]{10,}(?=[/?#\s]|$)|"
    r"(?<!//)(?<=/)[A-Za-z0-9_+-]{24,}(?=[/?#\s]|$)|"
    r"(?<=//)[A-Za-z0-9_-]{20,}(?=@)"
)
_QUERY_PART = re.compile(r"(?<=[?&])(?:(?P<name>[^=&#]+)=)?(?P<value>[^=&#][^&#]*)")
_KEY = re.compile(r"(?<![^/?&=#:@\s])(?=[^/?&=#:@\s]*\d)[^/?&=#:@\s.]{6,}(?![^/?&=#:@\s])")
_USER_PASSWORD = re.compile(r"^[^:/@\s]*:([^/\s]+)@")
_HARMLESS_QUERY = frozenset({"status", "msg", "state", "create", "env", "environment", "ping"})
_SECRET_NAME = re.compile(
    r"(?:^|_)(TOKEN|(SSH)?PASS|PASSPHRASE|CREDENTIALS?)$|._(KEY|PWD|SAS)$|PASSWO?R?D|SECRET",
    re.IGNORECASE,
)
_URL = re.compile(r"""[A-Za-z][\w+.-]{0,30}://[^\s"'<>]+""")
_VARIABLES = re.compile(r"\$\{[^}]*\}|\$\w+|\{\{.*?\}\}", re.DOTALL)
_ADDRESS_NAME = re.compile(r"(_AUTH|_URL|_PROXY|REPOSITORY2?)$", re.IGNORECASE)
_HARMLESS_NAMES = frozenset({"RESTICPROFILE_SCHEDULE_ID"})  # `file:backup@home` is no password
_HARMLESS_HEADERS = frozenset(
    {"content-type", "accept", "user-agent", "title", "priority", "tags", "content-encoding"}
)


def mask_passwords(text: str) -> str:
    """Hide the password of every `user:password@host` in the text."""
    if "@" not in text:  # most texts, some of them long
        return text
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}{MASK}", text)


def mask_url(url: str) -> str:
    """Hide what makes a URL secret: password, long tokens in the path, values in the query."""
    return _mask_url(url, _query_part)


def _mask_url(url: str, of_query: Callable[[re.Match[str]], str]) -> str:
    address, mark, query = mask_passwords(url).partition("?")
    return _TOKEN.sub(MASK, address) + _QUERY_PART.sub(of_query, mark + query)


def _query_part(part: re.Match[str]) -> str:
    """`name=value`, or one word; it stays if it is harmless."""
    if part["name"] is None:
        return MASK if _telling(part["value"]) else part[0]
    return part[0] if part["name"].lower() in _HARMLESS_QUERY else f"{part['name']}={MASK}"


def _written_query_part(part: re.Match[str]) -> str:
    """The same in a configuration, where a variable is not its value."""
    return part[0] if _is_variable(part["value"]) else _query_part(part)


def _is_variable(text: str) -> bool:
    """Whether the text holds nothing but variables."""
    return not re.search(r"\w", _VARIABLES.sub("", text))


def _telling(word: str) -> bool:
    """Whether a word looks like a key. Ordinary ones are shown: `backup` is in every log."""
    return bool(re.search(r"\d", word)) or len(word) >= 16


def mask_text(text: str) -> str:
    """Hide what looks secret in any text, also in the paths and queries of URLs."""
    return mask_words(_URL.sub(lambda url: mask_url(url[0]), text))


def mask_words(text: str) -> str:
    """Hide passwords in URLs, and what the words around it make look secret."""
    return guessing.without_secrets(mask_passwords(text))


def repository_secret(text: str) -> Secret:
    """A repository: shown without its password."""
    return Secret(text, public=mask_passwords(text))


def url_secret(text: str) -> Secret:
    """The URL of a webhook or a service."""
    return Secret(text, public=mask_url(text))


def written_url(text: str) -> Secret:
    """The URL of a webhook or a service as it stands in a configuration, with its variables."""
    return Secret(text, public=_mask_url(text, _written_query_part))


def address_secret(text: str) -> Secret:
    """The URL of a ping or of a notification service: its whole path is as good as a password.

    Where something else than HTTP stands in front, even the host may be a token.
    """
    scheme, found, rest = text.partition("://")
    if not found:
        return Secret(text)
    if scheme.lower() not in ("http", "https"):
        return Secret(text, public=f"{scheme}://{MASK}")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    shown = text if rest.rstrip("/") == host else f"{scheme}://{host}/{MASK}"
    return Secret(text, public=shown)


def is_address(secret: Secret) -> bool:
    """Whether it is shown as `address_secret` shows it."""
    return secret.public == address_secret(secret.reveal()).public != MASK


def masked_parts(secret: Secret) -> list[str]:
    """What its public form masks; of a query only what is telling, by its name or by itself."""
    pattern = "(.+?)".join(map(re.escape, secret.public.split(MASK)))
    match = re.fullmatch(pattern, secret.reveal(), re.DOTALL)
    if match is None:
        return [secret.reveal()]
    ordinary = {
        part["value"]
        for part in _QUERY_PART.finditer(secret.reveal())
        if not (_telling(part["value"]) or is_secret_name(f"x_{part['name']}"))
    }
    return [part for part in match.groups() if part not in ordinary]


def hidden_words(secret: Secret) -> list[str]:
    """The keys and the password in a secret URL that are not shown: they may turn up alone.

    Words without a digit are left alone, or every `backup` in a log would be hidden.
    """
    _, found, rest = secret.reveal().partition("://")
    words = [*_KEY.findall(rest), *_USER_PASSWORD.findall(rest)] if found else []
    return [word for word in words if word not in secret.public]


def needs_command(secret: Secret) -> bool:
    """Whether a program has to be started before the secret is known."""
    return not secret.resolved and secret.public.startswith("{ command")


def holds_password(secret: Secret) -> bool:
    """Whether the text is shown otherwise than it is."""
    return secret.public != secret.reveal()


def is_secret_name(name: str) -> bool:
    """Whether a variable or key of this name holds a secret as a whole."""
    return bool(_SECRET_NAME.search(name))


def variable_secret(name: str, value: str) -> Text:
    """The value of an environment variable, secret if its name or its text says so."""
    if name in _HARMLESS_NAMES:
        return value
    if is_secret_name(name):
        return Secret(value)
    if _ADDRESS_NAME.search(name) or "@" in value:
        shown = mask_passwords(value)
        return Secret(value, public=shown) if shown != value else value
    return value


def environment(variables: Mapping[str, str]) -> dict[str, Text]:
    """An environment, with what is secret in it as secrets."""
    return {name: variable_secret(name, value) for name, value in variables.items()}


def secret_variables(variables: Mapping[str, str]) -> list[Secret]:
    """The secrets of an environment: a template may have written them anywhere."""
    found = environment(variables).values()
    return [value for value in found if isinstance(value, Secret)]


def header_value(name: str, value: Text) -> Text:
    """The value of an HTTP header; only well-known harmless ones are shown."""
    if isinstance(value, Secret) or name.lower() in _HARMLESS_HEADERS:
        return value
    return Secret(value)


def body_secret(text: str) -> Text:
    """The body of an HTTP request; it is shown when it holds nothing but variables."""
    return text if _is_variable(text) else Secret(text)


def named_secret(name: str, value: str) -> Text:
    """A value of which only the key is known: secret as a whole by its name, or in parts."""
    name = name.replace("-", "_")
    if is_secret_name(f"x_{name}") and not name.endswith(("_file", "_hint")):
        return Secret(value)
    shown = mask_text(value)
    return Secret(value, public=shown) if shown != value else value


def secrets_in(value: object) -> list[Secret]:
    """Every secret inside a struct, table or tuple whose value is known by now."""
    return [secret for secret in all_secrets(value) if secret.resolved]


def all_secrets(value: object) -> list[Secret]:
    """The same with those that would have to be fetched first."""
    if isinstance(value, Secret):
        return [value]
    if isinstance(value, dict):
        return [secret for item in value.values() for secret in all_secrets(item)]
    if isinstance(value, tuple | list):
        return [secret for item in value for secret in all_secrets(item)]
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.asdict(value).values()
        return [secret for item in fields for secret in all_secrets(item)]
    return []
