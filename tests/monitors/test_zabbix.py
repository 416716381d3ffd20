"""Zabbix."""

from __future__ import annotations

import msgspec
import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import HttpResponse, State
from resticprof.model.types import Secret, reveal
from resticprof.monitors.zabbix import Zabbix, ZabbixItem, ZabbixValue
from tests.kit.events import document, event, listen, told

URL = "https://zabbix.lan/api_jsonrpc.php"
TOKEN = {"url": URL, "itemid": 7, "api_key": Secret("KEY")}
LOGIN = {"url": URL, "host": "h", "key": "k", "username": "me", "password": Secret("pw")}


def answer(**content) -> HttpResponse:
    data = {"jsonrpc": "2.0", "id": 1, **content}
    return HttpResponse(status=200, body=msgspec.json.encode(data))


SESSION = answer(result="SESSION")
PUSHED = answer(result={"response": "success", "data": [{"itemid": "7"}]})
REFUSED = answer(error={"code": -32602, "message": "Invalid params.", "data": "No permissions."})
ITEM_REFUSED = answer(
    result={"response": "success", "data": [{}, {"error": "Item is not a trapper"}]}
)


def methods(messages) -> list[str]:
    return [document(message)["method"] for message in messages]


def authorization(message) -> str:
    return reveal(dict(message.headers).get("Authorization", ""))


def test_a_login_surrounds_the_push():
    messages = told(Zabbix(**LOGIN), event(State.FAIL), SESSION, PUSHED, answer(result=True))
    assert methods(messages) == ["user.login", "history.push", "user.logout"]
    login, push, logout = messages
    assert document(login)["params"] == {"username": "me", "password": "pw"}
    assert authorization(login) == ""
    assert authorization(push) == authorization(logout) == "Bearer SESSION"
    assert document(push)["params"] == {"host": "h", "key": "k", "value": "fail"}
    assert document(logout)["params"] == []
    assert {document(message)["id"] for message in messages} == {1}
    assert dict(push.headers)["Content-Type"] == "application/json-rpc"


def test_a_token_wins_over_a_login_and_is_never_logged_out():
    monitor = Zabbix(**{**LOGIN, **TOKEN})
    [push] = told(monitor, event(State.FAIL), PUSHED)
    assert methods([push]) == ["history.push"]
    assert authorization(push) == "Bearer KEY"


def test_the_item_id_wins_over_host_and_key():
    [push] = told(Zabbix(**{**LOGIN, **TOKEN}), event(State.FAIL), PUSHED)
    assert document(push)["params"] == {"itemid": 7, "value": "fail"}


@pytest.mark.parametrize("refused", [REFUSED, ITEM_REFUSED, answer(error="No permissions")])
def test_an_error_with_status_200_is_an_error(refused):
    with pytest.raises(MonitorError, match=r"No permissions|not a trapper"):
        told(Zabbix(**TOKEN), event(State.FAIL), refused)


def test_a_refused_login_is_told_and_nothing_else_is_sent():
    messages = []
    with pytest.raises(MonitorError, match=r"Invalid params. No permissions."):
        listen(Zabbix(**LOGIN), event(State.FAIL), messages, REFUSED)
    assert methods(messages) == ["user.login"]


@pytest.mark.parametrize("trouble", [REFUSED, ITEM_REFUSED, MonitorError("HTTP 502")])
def test_a_session_is_closed_also_when_the_push_fails(trouble):
    messages = []
    with pytest.raises(MonitorError):
        listen(Zabbix(**LOGIN), event(State.FAIL), messages, SESSION, trouble)
    assert methods(messages) == ["user.login", "history.push", "user.logout"]


def test_the_first_trouble_is_told_when_the_logout_fails_too():
    troubles = (MonitorError("first"), MonitorError("second"))
    with pytest.raises(MonitorError, match="first"):
        told(Zabbix(**LOGIN), event(State.FAIL), SESSION, *troubles)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_something_else_than_the_api_answers(body):
    with pytest.raises(MonitorError, match="Zabbix"):
        told(Zabbix(**TOKEN), event(State.FAIL), HttpResponse(status=200, body=body))


def test_a_login_without_session_is_an_error():
    with pytest.raises(MonitorError, match="without a session"):
        told(Zabbix(**LOGIN), event(State.FAIL), answer(result=None))


def test_no_secret_is_in_an_error():
    messages = []
    with pytest.raises(MonitorError) as caught:
        listen(Zabbix(**LOGIN), event(State.FAIL), messages, REFUSED)
    assert "pw" not in str(caught.value)


def test_values_are_numbers_or_texts_with_variables():
    monitor = Zabbix(**TOKEN, finish=ZabbixValue(value=0), fail=ZabbixValue(value="E $HOSTNAME"))
    for state, value in ((State.FINISH, 0), (State.FAIL, "E nas")):
        [push] = told(monitor, event(state), PUSHED)
        assert document(push)["params"]["value"] == value


def test_further_items_go_in_the_same_call_and_unknown_numbers_are_left_out():
    items = (
        ZabbixItem(itemid=8, value="${DURATION_SECONDS}"),
        ZabbixItem(host="other", key="x", value="${FILES_NEW}"),
        ZabbixItem(itemid=9, value=0),
    )
    [push] = told(Zabbix(**TOKEN, items=items), event(State.FAIL), PUSHED)
    params = document(push)["params"]
    assert [(entry["itemid"], entry["value"]) for entry in params] == [
        (7, "fail"),
        (8, "76"),
        (9, 0),
    ]
    assert {entry["clock"] for entry in params} == {1770087982}


def test_a_start_sends_no_further_items():
    monitor = Zabbix(**TOKEN, items=(ZabbixItem(itemid=8, value="x"),))
    [push] = told(monitor, event(State.START), PUSHED)
    assert document(push)["params"] == {"itemid": 7, "value": "start"}


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"url": URL, "api_key": Secret("K")}, "`itemid`, or"),
        ({"url": URL, "api_key": Secret("K"), "host": "h"}, "`itemid`, or"),
        ({"url": URL, "api_key": Secret("K"), "key": "k"}, "`itemid`, or"),
        ({"url": URL, "itemid": 7}, "`api-key`, or"),
        ({"url": URL, "itemid": 7, "username": "me"}, "`api-key`, or"),
        ({"url": URL, "itemid": 7, "password": Secret("pw")}, "`api-key`, or"),
        ({**TOKEN, "items": (ZabbixItem(key="x"),)}, "`items[0]`"),
        ({**TOKEN, "url": "zabbix.lan"}, "`url`"),
    ],
)
def test_mistakes_are_found_at_load(settings, part):
    [problem] = Zabbix(**settings).check()
    assert part in problem


@pytest.mark.parametrize("settings", [TOKEN, LOGIN, {**LOGIN, **TOKEN}])
def test_what_the_documentation_shows_is_no_problem(settings):
    assert Zabbix(**settings).check() == []
