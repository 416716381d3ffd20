"""HTTP requests whose secret parts are hidden when they are shown: URLs, headers, bodies. Pure."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote_plus, urlencode, urlsplit

import msgspec

from resticprof.errors import MonitorError
from resticprof.model.masking import url_secret
from resticprof.model.run import HttpRequest
from resticprof.model.types import MASK, Secret, Text, public, reveal
from resticprof.monitors import utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Pairs = tuple[tuple[str, Text], ...]


def parts(url: Text) -> SplitResult:
    """A URL taken apart; `MonitorError` when it cannot be."""
    try:
        return urlsplit(reveal(url))
    except ValueError as error:
        raise MonitorError("the URL cannot be understood") from error


def ping(url: Text, ending: str = "", query: Iterable[tuple[str, str]] = ()) -> Secret:
    """`url` with `ending` behind its path, and `query` merged into the query it has.

    What we add replaces what was there under the same name. Shown without path and old query,
    because the path of a ping URL is its password.
    """
    whole, added = parts(url), tuple(query)
    names = {name for name, _ in added}
    kept = [part for part in whole.query.split("&") if part and _name(part) not in names]
    ours = [urlencode(added, quote_via=quote, safe=":", errors="replace")] if added else []
    path = whole.path.rstrip("/") if ending else whole.path
    host = whole.netloc.rpartition("@")[2]
    return Secret(
        whole._replace(path=path + ending, query="&".join(kept + ours), fragment="").geturl(),
        public=SplitResult(
            whole.scheme, host, f"/{MASK}{ending}", "&".join([MASK] * bool(kept) + ours), ""
        ).geturl(),
    )


def _name(pair: str) -> str:
    return unquote_plus(pair.partition("=")[0])


def post_json(
    url: Text,
    data: object,
    *,
    headers: Pairs = (),
    content_type: str = "application/json",
    accept: tuple[int, ...] = (),
) -> HttpRequest:
    """A JSON document; a `Secret` in it is sent as it is and shown as its public form."""
    return HttpRequest(
        method="POST",
        url=url if isinstance(url, Secret) else url_secret(url),
        headers=(("Content-Type", content_type), *headers),
        body=encoded(data, reveal),
        public_body=encoded(data, public),
        accept=accept,
    )


def post_form(url: Text, fields: Pairs) -> HttpRequest:
    """A form, as a browser sends it; secrets as in `post_json`."""
    sent = urlencode([(name, reveal(value)) for name, value in fields], errors="replace")
    shown = urlencode([(name, public(value)) for name, value in fields], errors="replace")
    return HttpRequest(
        method="POST",
        url=url if isinstance(url, Secret) else url_secret(url),
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=sent.encode(),
        public_body=shown.replace(quote(MASK), MASK).encode(),
    )


def encoded(data: object, form: Callable[[Text], str]) -> bytes:
    """JSON with each `Secret` in the given form."""
    try:
        return msgspec.json.encode(data, enc_hook=form)
    except UnicodeEncodeError:  # the name of a file that is not UTF-8
        return msgspec.json.encode(_mended(data), enc_hook=form)


def _mended(data: object) -> object:
    """The same with `?` for what is not Unicode."""
    if isinstance(data, str):
        return utf8.encode(data).decode()
    if isinstance(data, dict):
        return {name: _mended(value) for name, value in data.items()}
    return [_mended(value) for value in data] if isinstance(data, list | tuple) else data


def bearer(token: Text) -> Pairs:
    """`Authorization: Bearer …`"""
    return (("Authorization", Secret(f"Bearer {reveal(token)}", public=f"Bearer {MASK}")),)


def basic(username: Text, password: Text) -> Pairs:
    """`Authorization: Basic …`"""
    pair = base64.b64encode(f"{reveal(username)}:{reveal(password)}".encode()).decode()
    return (("Authorization", Secret(f"Basic {pair}", public=f"Basic {MASK}")),)


def authorization(token: Text | None, username: Text, password: Text | None) -> Pairs:
    """By the token, or else by user and password; nothing without either."""
    if token is not None:
        return bearer(token)
    return basic(username, password) if username and password is not None else ()


def url_problems(key: str, url: Text) -> list[str]:
    """What is wrong with a URL, as far as it is known before it is used."""
    text = known(url)
    if text is None or text.startswith(("http://", "https://")):
        return []
    return [f"`{key}` must start with http:// or https://"]


def known(text: Text) -> str | None:
    """The text, unless it would have to be fetched first; nothing may be fetched at load time."""
    if isinstance(text, Secret):
        return text.reveal() if text.resolved else None
    return text
