"""Which variables are secret, and what of them is shown."""

from __future__ import annotations

import pytest

from resticprof.model import masking
from resticprof.model.types import Secret


def shown(name: str, value: str) -> str:
    return str(masking.variable_secret(name, value))


@pytest.mark.parametrize(
    ("name", "value", "public"),
    [
        ("RESTIC_PASSWORD", "hunter2", "×××"),
        ("MY_TOKEN", "hunter2", "×××"),
        ("http_proxy", "http://me:hunter2@proxy:3128", "http://me:×××@proxy:3128"),
        ("HOME", "/home/me", "/home/me"),
    ],
)
def test_names_and_addresses_make_variables_secret(name: str, value: str, public: str) -> None:
    assert shown(name, value) == public
    assert isinstance(masking.variable_secret(name, value), Secret) is (public != value)


def test_the_id_of_a_schedule_holds_no_password() -> None:
    """Otherwise every `backup` in the log of a scheduled run would be hidden."""
    job = "/etc/resticprof/profiles.toml:backup@home"
    assert masking.variable_secret("RESTICPROFILE_SCHEDULE_ID", job) == job


@pytest.mark.parametrize(
    ("url", "public", "words"),
    [
        (
            "https://hc-ping.com/1f5e3410-254c-11e8",
            "https://hc-ping.com/×××",
            ["1f5e3410-254c-11e8"],
        ),
        ("https://cronitor.link/p/012345/home", "https://cronitor.link/×××", ["012345"]),
        ("https://me:pass@kuma.lan:3001/backup", "https://kuma.lan:3001/×××", ["pass"]),
        ("https://host1234.lan/push?key=a1b2c3", "https://host1234.lan/×××", ["a1b2c3"]),
        ("tgram://123456:bottoken/chat", "tgram://×××", ["123456"]),
        ("https://ntfy.example.org/", "https://ntfy.example.org/", []),
        ("not an address", "×××", []),
    ],
)
def test_of_an_address_the_host_is_shown_and_keys_are_hidden(url, public, words) -> None:
    secret = masking.address_secret(url)
    assert str(secret) == public
    assert masking.hidden_words(secret) == words
