"""HTTP hooks over TLS: whom they trust, and that a refusal changes nothing else."""

from __future__ import annotations

import pytest

PROFILES = """
version = "1"

[global]
ca-certificates = [{ca}]
send-timeout = "5s"

[home]
repository = "local:/nowhere"

[[home.check.send-after]]
url = "{url}/done"
skip-tls-verification = {skip}
"""


@pytest.fixture
def check(project, fake_restic, tls_server):
    """Runs a check whose hook goes to the TLS server; returns the outcome."""

    def run(ca="", skip="false"):
        quoted = f'"{ca}"' if ca else ""
        project.write("profiles.toml", PROFILES.format(ca=quoted, url=tls_server.url, skip=skip))
        return project.run("-n", "home", "check")

    return run


def test_hook_is_sent_to_a_server_whose_ca_is_configured(check, tls_server):
    check(ca=tls_server.ca).expect(0)
    assert tls_server.lines == ["GET /done"]


@pytest.mark.parametrize("ca", ["", "other-ca.pem"])
def test_hook_is_not_sent_to_a_server_that_is_not_trusted(check, tls_server, certificates, ca):
    outcome = check(ca=certificates / ca if ca else "").expect(0)
    assert tls_server.lines == []
    assert "certificate" in outcome.err.lower()


def test_hook_is_sent_to_any_server_when_verification_is_skipped(check, tls_server):
    check(skip="true").expect(0)
    assert tls_server.lines == ["GET /done"]


def test_unreadable_ca_file_is_reported_and_the_run_goes_on(check, fake_restic, tls_server):
    outcome = check(ca="missing.pem").expect(0)
    assert "missing.pem" in outcome.err
    assert [call.command for call in fake_restic.calls] == ["check"]
