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
