"""Requests whose secret parts are hidden."""

from __future__ import annotations

import pytest

from resticprof.errors import MonitorError
from resticprof.model.types import Secret
from resticprof.monitors import request

RUN = [("rid", "7")]


@pytest.mark.parametrize(
    ("url", "whole"),
    [
        ("https://h/u", "https://h/u/fail?rid=7"),
        ("https://h/u/", "https://h/u/fail?rid=7"),
        ("https://h/u?create=1", "https://h/u/fail?create=1&rid=7"),
        ("https://h/u?rid=old&x=%20y", "https://h/u/fail?x=%20y&rid=7"),
        ("https://h:8/a/b?#part", "https://h:8/a/b/fail?rid=7"),
    ],
)
def test_a_ping_url_with_a_query_stays_valid(url, whole):
    assert request.ping(url, "/fail", RUN).reveal() == whole


def test_a_ping_url_is_shown_without_path_login_and_old_query():
    secret = request.ping("https://me:pw@h:8/u/v?token=1", "/fail", RUN)
    assert secret.public == "https://h:8/×××/fail?×××&rid=7"


def test_values_of_a_query_are_encoded():
    secret = request.ping("https://h/u", query=[("msg", "a b&c=d/é")])
    assert secret.reveal() == "https://h/u?msg=a%20b%26c%3Dd%2F%C3%A9"


def test_a_url_that_cannot_be_understood_is_an_error_of_ours():
    with pytest.raises(MonitorError, match="cannot be understood"):
        request.ping("https://[::1/u")


def test_secrets_of_a_document_are_sent_and_not_shown():
    sent = request.post_json("https://h", {"key": Secret("hidden"), "name": "x"})
    assert sent.body == b'{"key":"hidden","name":"x"}'
    assert sent.public_body == '{"key":"×××","name":"x"}'.encode()


def test_a_password_in_a_plain_url_is_not_shown():
    sent = request.post_json("https://me:hidden@h/", {})
    assert "hidden" not in str(sent.url)


def test_authorization_is_not_shown():
    headers = (*request.bearer("hidden"), *request.basic("me", Secret("hidden")))
    assert [str(value) for _, value in headers] == ["Bearer ×××", "Basic ×××"]
    assert "hidden" not in repr(headers)


def test_a_reference_is_not_resolved_to_check_it():
    def source() -> str:
        raise AssertionError("resolved too early")

    secret = Secret(source=source)
    assert request.known(secret) is None
    assert request.url_problems("url", secret) == []
