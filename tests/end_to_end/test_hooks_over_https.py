"""HTTP hooks over TLS, as a whole: whom they trust, what arrives, and how long they may take."""

from __future__ import annotations

import json
import re
import time

import pytest

from resticprof import __version__
from tests.kit.broken import Broken, drip
from tests.kit.project import CHECKOUT

PROFILES = """
version = "1"

[global]
ca-certificates = [{ca}]
send-timeout = "{timeout}"

[home]
repository = "local:/nowhere"

[home.env]
DB_PASSWORD = "hunter22"
CITY = "Malmö/Lund"

[[home.check.{stage}]]
url = "{url}"
{keys}
"""


@pytest.fixture
def check(project, fake_restic, tls_server):
    """Runs a check with one HTTP hook, by default `send-after` to a server that is trusted."""

    def run(keys="", *, url="/done", stage="send-after", ca=tls_server.ca, timeout="5s"):
        quoted = f'"{ca}"' if ca else ""
        url = url if "://" in url else f"{tls_server.url}{url}"
        text = PROFILES.format(ca=quoted, url=url, keys=keys, stage=stage, timeout=timeout)
        project.write("profiles.toml", text).chmod(0o600)
        return project.run("-n", "home", "check")

    return run


# ---- trust ----------------------------------------------------------------------------------


def test_hook_is_sent_to_a_server_whose_ca_is_configured(check, tls_server):
    assert check().expect(0).err.count("\n") == 1, "the last line and no warning"
    assert tls_server.lines == ["GET /done"]


@pytest.mark.parametrize("ca", ["", "other-ca.pem"])
def test_hook_is_not_sent_to_a_server_that_is_not_trusted(check, tls_server, certificates, ca):
    outcome = check(ca=certificates / ca if ca else "").expect(0)
    assert tls_server.lines == []
    assert "certificate" in outcome.err.lower()


def test_hook_is_sent_to_any_server_when_verification_is_skipped(check, tls_server):
    check("skip-tls-verification = true", ca="").expect(0)
    assert tls_server.lines == ["GET /done"]


def test_unreadable_ca_file_is_reported_and_the_run_goes_on(check, fake_restic, tls_server):
    outcome = check(ca="missing.pem").expect(0)
    assert "missing.pem" in outcome.err
    assert [call.command for call in fake_restic.calls] == ["check"]


# ---- requests -------------------------------------------------------------------------------


def test_user_agent_is_ours_unless_it_is_set(check, tls_server):
    check().expect(0)
    check('headers = [{ name = "User-Agent", value = "mine" }]').expect(0)
    agents = [request.headers["user-agent"] for request in tls_server.requests]
    assert agents == [f"resticprof/{__version__}", "mine"]


def test_headers_are_sent_as_they_are_and_those_without_a_name_are_left_out(check, tls_server):
    headers = """headers = [
        { name = "X-Literal", value = "${PROFILE_NAME} $$" },
        { name = "", value = "nothing" },
        { name = "Content-Type", value = "text/x-own" },
    ]"""
    check(f'method = "PUT"\nbody = "text"\n{headers}').expect(0)
    [request] = tls_server.requests
    assert request.headers["x-literal"] == "${PROFILE_NAME} $$"
    assert request.headers["content-type"] == "text/x-own"
    assert "" not in request.headers


@pytest.mark.parametrize(
    ("status", "second"), [(302, ("GET", "")), (307, ("POST", "text")), (308, ("POST", "text"))]
)
def test_redirect_is_followed(check, tls_server, status, second):
    tls_server.reply("/done", status, headers={"Location": "/moved"})
    check('method = "POST"\nbody = "text"').expect(0)
    [_, request] = tls_server.requests
    assert request.path == "/moved"
    assert (request.method, request.text) == second


def test_redirect_without_end_is_a_warning(check, tls_server):
    tls_server.reply("/done", 302, headers={"Location": "/done"})
    assert "more than 10 redirects" in check().expect(0).err


def test_variables_in_url_and_body(check, tls_server, fake_restic):
    fake_restic.answer("check", code=1, err=("a & b",))
    url = "/$PROFILE_NAME/${PROFILE_COMMAND}?city=${CITY}&text=${ERROR_STDERR}&$$&${NONE}"
    body = 'method = "POST"\nbody = "$CITY|${ERROR}|${ERROR_EXIT_CODE}|$$|${NONE}"'
    check(body, url=url, stage="send-after-fail").expect(1)
    [request] = tls_server.requests
    assert request.path == "/home/check"
    assert request.query == "city=Malm%C3%B6/Lund&text=a+%26+b%0A&$&"
    assert request.text == "Malmö/Lund|check on profile 'home': exit status 1|1|$|"


# ---- time -----------------------------------------------------------------------------------


def test_time_limit_is_that_of_the_whole_request(check):
    with Broken(drip) as dripping:
        begin = time.monotonic()
        outcome = check(url=f"{dripping.url}/slow", timeout="500ms").expect(0)
        assert time.monotonic() - begin < 5
    assert "no answer within 0.5 s" in outcome.err


@pytest.fixture
def arrivals(tls_server):
    """When each request arrived, by its path; each is answered after a second."""
    times = {}
    tls_server.on_request = lambda request: times.update({request.path: time.time()})
    for path in ("/one", "/two"):
        tls_server.reply(path, delay=1)
    return times


def test_request_in_the_background_does_not_hold_up_the_run_but_its_end(check, project, arrivals):
    check(
        "background = true\n[home.check]\nrun-before = 'date +%s.%N >now'",
        url="/one",
        stage="send-before",
    )
    after = float((project.path / "now").read_text()) - arrivals["/one"]
    assert after < 1
    assert time.time() - arrivals["/one"] >= 1


def test_requests_to_one_host_are_sent_one_after_the_other(check, tls_server, arrivals):
    check(
        f'[[home.check.send-before]]\nurl = "{tls_server.url}/two"', url="/one", stage="send-before"
    )
    assert arrivals["/two"] - arrivals["/one"] >= 1


def test_requests_to_different_hosts_are_sent_at_the_same_time(check, tls_server, arrivals):
    other = tls_server.url.replace("127.0.0.1", "localhost")
    check(f'[[home.check.send-before]]\nurl = "{other}/two"', url="/one", stage="send-before")
    assert abs(arrivals["/two"] - arrivals["/one"]) < 0.9


# ---- secrets --------------------------------------------------------------------------------


def test_secrets_do_not_leave_the_host_in_output_or_errors(check, tls_server, fake_restic):
    fake_restic.answer("check", code=1, out=("using hunter22",), err=("Fatal: hunter22 is wrong",))
    check('method = "POST"\nbody = "${ERROR_STDERR}|${LOG}|${SUMMARY}"', stage="send-after-fail")
    [request] = tls_server.requests
    assert request.text.startswith("Fatal: ××× is wrong\n|")
    assert "using ×××" in request.text
    assert "hunter22" not in request.text


# ---- templates ------------------------------------------------------------------------------

DOCUMENTED = {
    language: re.search(rf"```{language}\n(.*?)```", text, re.DOTALL)[1]
    for text in [(CHECKOUT / "docs" / "hooks.md").read_text()]
    for language in ("gotmpl", "jinja")
}


@pytest.mark.parametrize("language", DOCUMENTED)
@pytest.mark.parametrize("code", [0, 5])
def test_documented_template_tells_error_and_output(
    check, project, tls_server, fake_restic, language, code
):
    lines = tuple(f"line {number} of hunter22" for number in range(3))
    fake_restic.answer("check", code=code, out=lines, err=("Fatal: no",))
    project.write("body", DOCUMENTED[language])
    check('method = "POST"\nbody-template = "body"', stage="send-finally").expect(code)
    [request] = tls_server.requests
    message = "check on profile 'home': exit status 5"
    assert json.loads(request.text) == {
        "profileName": "home",
        "profileCommand": "check",
        "exitCode": str(code) if code else "",
        "message": message if code else "",
        "output": "".join(f"line {number} of ×××\n" for number in range(3)),
    }


def test_broken_template_is_a_warning_with_its_line(check, project, tls_server):
    project.write("body.gotmpl", "{{ .ProfileName }}\n{{ .Nothing }}\n")
    outcome = check('method = "POST"\nbody-template = "body.gotmpl"').expect(0)
    assert "body.gotmpl:2" in outcome.err
    assert tls_server.requests == []
