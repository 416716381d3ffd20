"""Requests over real sockets."""

import logging
import os
import signal
import socket
import threading
import time

import pytest

from resticprof import __version__
from resticprof.errors import HttpError
from resticprof.model.run import HttpRequest, Transport
from resticprof.model.types import Secret
from resticprof.system import http
from resticprof.system.signals import Signals
from tests.kit import broken
from tests.kit.server import KEY, Server, openssl


@pytest.fixture(autouse=True)
def _own_clients(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
    for thread in threading.enumerate():
        if thread.name == "http":
            thread.join(10)
    http.close()


def send(url, *, method="GET", transport=None, **options):
    request = HttpRequest(method=method, url=url, **options)
    return http.send(request, transport or Transport(timeout=5))


def failure(url, **options):
    with pytest.raises(HttpError) as caught:
        send(url, **options)
    return caught.value


def test_a_request_arrives_and_the_answer_comes_back(server):
    server.reply("/a", 201, headers={"X-Limit": "5"}, body=b"fine")
    answer = send(f"{server.url}/a?b=c", method="POST", body=b"text")
    assert (answer.status, answer.body, answer.headers["x-limit"]) == (201, b"fine", "5")
    [request] = server.requests
    assert (request.line, request.body) == ("POST /a?b=c", b"text")
    assert request.headers["user-agent"] == f"resticprof/{__version__}"
    assert "content-type" not in request.headers


def test_connections_are_used_again(server):
    for _ in range(3):
        send(server.url)
    assert len(http._clients) == 1
    send(server.url, transport=Transport(timeout=6))
    assert len(http._clients) == 2


def raw_server(answer, *, delay=0.0):
    """A socket that keeps what it gets, and answers with bytes."""
    listener = socket.create_server(("127.0.0.1", 0))
    got = []

    def serve():
        connection, _ = listener.accept()
        with connection:
            got.append(connection.recv(65536))
            for piece in answer:
                time.sleep(delay)
                try:
                    connection.sendall(piece)
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}", got, thread, listener


def test_method_and_headers_are_sent_as_they_are():
    url, got, thread, listener = raw_server([b"HTTP/1.1 204 No Content\r\n\r\n"])
    headers = (("X-One", "a"), ("X-One", Secret("b")), ("Title", "Grüße"), ("User-Agent", "me"))
    send(f"{url}/x", method="Purge", headers=headers)
    thread.join()
    listener.close()
    first, *lines = got[0].decode().split("\r\n")
    assert first == "Purge /x HTTP/1.1"
    assert [line for line in lines if line.startswith("X-One")] == ["X-One: a", "X-One: b"]
    assert {"Title: Grüße", "User-Agent: me"} <= set(lines)
    assert not any(line.lower().startswith("content-length") for line in lines)


def test_a_post_without_a_body_says_so(server):
    send(server.url, method="POST")
    assert server.requests[0].headers["content-length"] == "0"


@pytest.mark.parametrize(("status", "second"), [(301, "GET /b"), (302, "GET /b"), (307, "POST /b")])
def test_redirects_are_followed(server, status, second):
    server.reply("/a", status, headers={"Location": "/b"})
    send(f"{server.url}/a", method="POST", body=b"text")
    assert server.lines == ["POST /a", second]
    assert server.requests[1].body == (b"text" if status == 307 else b"")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_secret_headers_stay_with_their_host(server, host):
    server.reply("/a", 307, headers={"Location": f"http://{host}:{server.port}/b"})
    headers = (("X-Api-Key", Secret("swordfish")), ("X-Kind", "backup"))
    send(f"{server.url}/a", headers=headers)
    got = server.requests[1].headers
    assert got["x-kind"] == "backup"
    assert ("x-api-key" in got) == (host == "127.0.0.1")


def test_secret_headers_do_not_leave_tls(tls_server, server):
    tls_server.reply("/a", 307, headers={"Location": f"{server.url}/b"})
    headers = (("X-Api-Key", Secret("swordfish")), ("X-Kind", "backup"))
    transport = Transport(timeout=5, verify=False)
    send(f"{tls_server.url}/a", transport=transport, headers=headers)
    [got] = server.requests
    assert got.headers["x-kind"] == "backup"
    assert "x-api-key" not in got.headers


def test_redirects_have_an_end(server):
    server.reply("/a", 302, headers={"Location": "/a"})
    assert "more than 10 redirects" in str(failure(f"{server.url}/a"))
    assert len(server.requests) == 11


def test_an_error_status_names_the_host_and_not_the_url(server):
    server.reply("/token", 404)
    error = failure(f"http://user:word@127.0.0.1:{server.port}/token?key=value")
    assert str(error) == "127.0.0.1: HTTP 404 Not Found"
    assert error.status == 404
    assert not http.retryable(error)


def test_a_busy_server_says_when_to_come_back(server):
    server.reply("/a", 429, headers={"Retry-After": "7"})
    server.reply("/b", 503, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    server.reply("/c", 599, headers={"Retry-After": "soon"})
    errors = [failure(f"{server.url}/{name}") for name in "abc"]
    assert [error.retry_after for error in errors] == [7, 0, None]
    assert all(map(http.retryable, errors))


def test_a_request_may_say_which_statuses_are_good(server):
    server.reply("/a", 404)
    assert send(f"{server.url}/a", accept=(404,)).status == 404
    assert failure(server.url, accept=(202,)).status == 200


def test_a_refused_connection_can_be_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/secret")
    assert str(error) == "127.0.0.1: connection refused"
    assert http.retryable(error)


def test_an_unknown_host_can_be_tried_again():
    error = failure("http://no-such-host.invalid/secret")
    assert str(error).startswith("no-such-host.invalid: ")
    assert http.retryable(error)


def test_a_silent_server_is_left_in_time(server):
    server.reply("/a", delay=30)
    begin = time.monotonic()
    error = failure(f"{server.url}/a", transport=Transport(timeout=0.3))
    assert str(error) == "127.0.0.1: no answer within 0.3 s"
    assert http.retryable(error)
    assert time.monotonic() - begin < 20


def test_a_server_that_drips_is_left_in_time():
    with broken.Broken(broken.drip) as server:
        begin = time.monotonic()
        error = failure(server.url, transport=Transport(timeout=0.5))
        assert "no answer within 0.5 s" in str(error)
        assert time.monotonic() - begin < 15


def test_a_huge_answer_is_cut(server):
    server.reply("/a", body=b"x" * (http.READ + 10))
    assert len(send(f"{server.url}/a").body) == http.READ


def test_an_answer_that_is_not_http_is_an_error():
    url, _, thread, listener = raw_server([b"SSH-2.0\r\n"])
    error = failure(url)
    assert str(error) == "127.0.0.1: no proper answer (RemoteProtocolError)"
    thread.join()
    listener.close()


@pytest.mark.parametrize(
    "url",
    ["", "no-url", "ftp://host/x", "http://", "http://[::1/x", "http://host:x/"],
)
def test_a_bad_url_is_an_error(url):
    assert "not valid" in str(failure(url))


@pytest.mark.parametrize(
    "options",
    [
        {"headers": (("Bad Name", "x"),)},
        {"headers": (("X", "two\nlines"),)},
        {"headers": (("Ü", "x"),)},
        {"method": "TWO WORDS"},
        {"method": ""},
    ],
)
def test_a_bad_header_or_method_is_an_error(server, options):
    error = failure(server.url, **options)
    assert "not valid" in str(error)
    assert not http.retryable(error)


def test_a_signal_ends_the_wait_and_is_still_to_be_told(server):
    server.reply("/a", delay=4)
    server.on_request = lambda _: os.kill(os.getpid(), signal.SIGTERM)
    with Signals() as signals:
        assert "interrupted" in str(failure(f"{server.url}/a"))
        assert signals.pending


def test_an_unknown_certificate_is_refused(tls_server):
    error = failure(tls_server.url)
    assert "the certificate is not trusted" in str(error)
    assert not http.retryable(error)
    assert tls_server.requests == []


def test_a_certificate_of_the_user_is_trusted(tls_server):
    transport = Transport(timeout=5, ca_certificates=(str(tls_server.ca),))
    assert send(tls_server.url, transport=transport).status == 200


HOST = "subjectAltName=IP:127.0.0.1"
SELF_SIGNED = (
    f"req -x509 -days 2 -subj /CN=home {KEY} -addext {HOST} -keyout server.key -out server.pem",
    "x509 -in server.pem -out ca.pem",
)
SIGN = "x509 -req -days 2 -CAcreateserial"
INTERMEDIATE = (
    f"req -x509 -days 2 -subj /CN=root {KEY} -keyout root.key -out root.pem",
    f"req -new -subj /CN=between {KEY} -keyout ca.key -out ca.csr",
    f"{SIGN} -CA root.pem -CAkey root.key -extfile authority -in ca.csr -out ca.pem",
    f"req -new -subj /CN=home {KEY} -keyout server.key -out server.csr",
    f"{SIGN} -CA ca.pem -CAkey ca.key -extfile host -in server.csr -out server.pem",
)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("commands", [SELF_SIGNED, INTERMEDIATE])
def test_any_certificate_of_the_user_is_enough(tmp_path, commands):
    """As in Go: that of the server itself, or of an authority in between; and plain ones."""
    (tmp_path / "authority").write_text("basicConstraints=critical,CA:TRUE\n")
    (tmp_path / "host").write_text(f"{HOST}\n")
    openssl(tmp_path, *commands)
    with Server(tmp_path) as server:
        transport = Transport(timeout=5, ca_certificates=(str(server.ca),))
        assert send(server.url, transport=transport).status == 200


def test_verification_can_be_left_out(tls_server):
    assert send(tls_server.url, transport=Transport(timeout=5, verify=False)).status == 200


def test_a_bad_certificate_file_is_named(tls_server, tmp_path, caplog):
    bad = tmp_path / "bad.pem"
    bad.write_text("nonsense")
    files = (str(tls_server.ca), str(bad), "/none.pem")
    with caplog.at_level(logging.WARNING, "resticprof.http"):
        send(tls_server.url, transport=Transport(timeout=5, ca_certificates=files))
    assert [record.message for record in caplog.records] == [
        f"ca-certificates: cannot use `{bad}`: there is no certificate in PEM format in it",
        "ca-certificates: cannot use `/none.pem`: No such file or directory",
    ]


def test_a_client_certificate_is_shown(tls_server, certificates):
    tls_server.ask_for_client_certificate()
    trusting = {"timeout": 5, "ca_certificates": (str(tls_server.ca),)}
    assert failure(tls_server.url, transport=Transport(**trusting))
    both = Transport(
        **trusting,
        client_cert=str(certificates / "client.pem"),
        client_key=str(certificates / "client.key"),
    )
    assert send(tls_server.url, transport=both).status == 200


def test_a_bad_client_certificate_is_named(server, certificates):
    cert, key = str(certificates / "client.pem"), str(certificates / "server.key")
    error = failure(server.url, transport=Transport(client_cert=cert, client_key=key))
    assert f"cannot use the client certificate `{cert}` and `{key}`" in str(error)


def test_a_proxy_of_the_environment_is_used(server, monkeypatch):
    monkeypatch.setenv("http_proxy", server.url)
    assert send("http://service.example/path").status == 200
    assert server.requests[0].headers["host"] == "service.example"


@pytest.mark.parametrize("no_proxy", ["", "example.org"])
def test_no_proxy_stands_between_us_and_this_machine(server, monkeypatch, no_proxy):
    """As in Go: a webhook on 127.0.0.1 is not that of the proxy."""
    monkeypatch.setenv("http_proxy", "http://proxy.invalid")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert send(server.url).status == 200
    assert send(server.url.replace("127.0.0.1", "localhost")).status == 200


def test_the_proxy_is_asked_or_not_for_each_redirect(server, monkeypatch):
    with Server() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        server.reply("/out", 302, headers={"Location": "http://service.example/in"})
        proxy.reply("/in", 302, headers={"Location": f"{server.url}/home"})
        assert send(f"{server.url}/out").status == 200
        assert proxy.lines == ["GET /in"]
        assert server.lines == ["GET /out", "GET /home"]


@pytest.mark.parametrize(
    ("host", "no_proxy", "direct"),
    [
        ("127.8.9.10", "", True),
        ("::1", "", True),
        ("10.1.2.3", "", False),
        ("10.1.2.3", "example.org, 10.0.0.0/8", True),
        ("fd00::7", "fd00::/8", True),
        ("192.168.0.1", "10.0.0.0/8", False),
        ("localhost.example.org", "10.0.0.0/8", False),
    ],
)
def test_networks_of_no_proxy_are_reached_directly(monkeypatch, host, no_proxy, direct):
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert http.is_direct(host) is direct


def test_a_bad_proxy_is_an_error_that_does_not_show_it(monkeypatch):
    monkeypatch.setenv("all_proxy", "nonsense://user:word@proxy")
    error = failure("http://service.example/")
    assert "proxy" in str(error)
    assert "word" not in str(error)


def test_neither_the_log_nor_an_error_shows_a_secret_url(server, caplog):
    server.reply("/token", 500, body=b"odd\x00\x1bbody")
    url = Secret(f"{server.url}/token", public="http://shown/×××")
    with caplog.at_level(1):
        error = failure(url)
    assert "token" not in caplog.text + str(error)
    assert "GET http://shown/×××" in caplog.text
    assert "answered 500: odd  body" in caplog.text
