"""https://zabbix.com, version 7 or later: values for trapper items."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Annotated

import msgspec

from resticprof.errors import Error, MonitorError
from resticprof.model.monitor import Monitor, States
from resticprof.model.report import interpolate, variables
from resticprof.model.run import Event, HttpRequest, HttpResponse, State
from resticprof.model.table import Key, Table
from resticprof.model.types import Secret, Text
from resticprof.monitors import message, request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk
    from resticprof.monitors.request import Pairs


class ZabbixValue(Table):
    """What one event writes into the item."""

    value: Annotated[
        int | str | None, Key("value; default: the name of the state", template=True)
    ] = None


class ZabbixItem(Table):
    """One more item that gets a value with the outcome."""

    itemid: Annotated[int | None, Key("id of the item; or `host` and `key`")] = None
    host: Annotated[str | None, Key("technical name of the host; default: that of the monitor")] = (
        None
    )
    key: Annotated[str | None, Key("key of the item")] = None
    value: Annotated[
        int | str, Key("value; `${VARIABLES}` are replaced; empty: not sent", template=True)
    ] = ""


class Zabbix(Monitor, kw_only=True):
    """Zabbix values by `history.push`; Zabbix itself does the alerting."""

    url: Annotated[
        Text, Key("address of the API, ending in `/api_jsonrpc.php`", aliases=("server",))
    ]
    itemid: Annotated[int | None, Key("id of the item; wins over `host` and `key`")] = None
    host: Annotated[str | None, Key("technical name of the host, not the visible one")] = None
    key: Annotated[str | None, Key("key of the item on that host")] = None
    api_key: Annotated[Secret | None, Key("API token; wins over `username` and `password`")] = None
    username: Annotated[Text, Key("user, together with `password`")] = ""
    password: Annotated[Secret | None, Key("password of the user")] = None
    states: States = ("fail",)
    start: Annotated[ZabbixValue | None, Key("value of a start")] = None
    finish: Annotated[ZabbixValue | None, Key("value of a success")] = None
    warn: Annotated[ZabbixValue | None, Key("value of a warning; default: `finish` or `fail`")] = (
        None
    )
    fail: Annotated[ZabbixValue | None, Key("value of a failure")] = None
    items: Annotated[
        tuple[ZabbixItem, ...], Key("further items, with `itemid` or `host` and `key`, and `value`")
    ] = ()

    def messages(self, event: Event) -> Talk:
        """Push; around it log in and out, unless there is an API token."""
        values = self._values(event)
        if self.api_key is not None:
            _result((yield self._push(values, self.api_key)))
            return
        login = {"username": self.username, "password": self.password}
        token = _result((yield self._call("user.login", login)))
        if not isinstance(token, str):
            raise MonitorError("Zabbix answered the login without a session")
        logout = self._call("user.logout", [], headers=request.bearer(token))
        try:
            answer = yield self._push(values, Secret(token))
        except Error:
            with contextlib.suppress(Error):
                yield logout
            raise
        yield logout
        _result(answer)

    def _push(self, values: list[dict[str, object]], token: Secret) -> HttpRequest:
        """One value is sent as itself, several as a list."""
        params = values[0] if len(values) == 1 else values
        return self._call("history.push", params, headers=request.bearer(token))

    def _call(self, method: str, params: object, *, headers: Pairs = ()) -> HttpRequest:
        return request.post_json(
            self.url,
            {"jsonrpc": "2.0", "method": method, "params": params, "id": 1},
            headers=headers,
            content_type="application/json-rpc",
        )

    def _values(self, event: Event) -> list[dict[str, object]]:
        told = self.counts_as(event.state)
        tables = {
            State.START: self.start,
            State.FINISH: self.finish,
            State.WARN: self.warn,
            State.FAIL: self.fail,
        }
        table = message.chosen(tables, event.state, told) or ZabbixValue()
        value = told.value if table.value is None else _filled(table.value, event)
        values = [{**_item(self.itemid, self.host, self.key), "value": value}]
        if event.state is State.START:
            return values
        for item in self.items:
            number = _filled(item.value, event)
            if number != "":
                place = _item(item.itemid, item.host or self.host, item.key)
                values.append({**place, "value": number})
        if len(values) == 1:
            return values
        clock = int(event.report.time.timestamp())
        return [{**entry, "clock": clock} for entry in values]

    def check(self) -> list[str]:
        """Half an address, half a login, or none."""
        problems = [*Monitor.check(self), *request.url_problems("url", self.url)]
        if self.itemid is None and not (self.host and self.key):
            problems.append("`itemid`, or `host` and `key` together, must be given")
        if self.api_key is None and not (self.username and self.password):
            problems.append("`api-key`, or `username` and `password` together, must be given")
        problems += [
            f"`items[{number}]`: `itemid`, or `host` and `key` together, must be given"
            for number, item in enumerate(self.items)
            if item.itemid is None and not ((item.host or self.host) and item.key)
        ]
        return problems


def _item(itemid: int | None, host: str | None, key: str | None) -> dict[str, object]:
    return {"itemid": itemid} if itemid is not None else {"host": host, "key": key}


def _filled(value: int | str, event: Event) -> int | str:
    return interpolate(value, variables(event)) if isinstance(value, str) else value


def _result(answer: HttpResponse) -> object:
    """The `result` of a JSON-RPC answer; errors come with HTTP 200, for the call or for an item."""
    try:
        data = msgspec.json.decode(answer.body)
    except msgspec.DecodeError as error:
        raise MonitorError(
            "Zabbix did not answer in JSON; does `url` end in `/api_jsonrpc.php`?"
        ) from error
    if not isinstance(data, dict):
        raise MonitorError("Zabbix answered without a result")
    if error_data := data.get("error"):
        raise MonitorError(f"Zabbix refused: {_reason(error_data)}")
    result = data.get("result")
    entries = result.get("data") if isinstance(result, dict) else None
    reasons = [
        str(entry["error"])
        for entry in entries or []
        if isinstance(entry, dict) and entry.get("error")
    ]
    if reasons:
        raise MonitorError(f"Zabbix refused a value: {'; '.join(reasons)}")
    return result


def _reason(error: object) -> str:
    """`message` and `data` of an error object."""
    if not isinstance(error, dict):
        return str(error)
    return " ".join(str(error[name]) for name in ("message", "data") if error.get(name))


SERVICE = Zabbix
