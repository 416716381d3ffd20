"""What a run claims: its repositories, however they are written, and its lock file."""

from __future__ import annotations

import os

import pytest

from resticprof.model.config import Global
from resticprof.model.types import Secret
from resticprof.runs.claims import UNKNOWN, claims
from resticprof.runs.plan import plan
from tests.kit.profiles import profile


def claimed(command="backup", environment=None, **keys):
    made = plan(profile(**keys), command, (), Global())
    return claims(made, environment or {})


@pytest.mark.parametrize("text", ["/srv/r", "/srv/r/", "local:/srv/r", "/srv/./x/../r"])
def test_local_repository_is_the_same_however_it_is_written(text):
    assert claimed(repository=text) == {"/srv/r"}


def test_link_to_a_repository_is_the_repository(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert claimed(repository=f"{tmp_path}/link") == {f"{tmp_path}/real"}


def test_relative_repository_belongs_to_the_working_directory():
    assert claimed(repository="r") == {f"{os.getcwd()}/r"}
    assert claimed(repository="r", base_dir="/base") == {"/base/r"}


@pytest.mark.parametrize("text", ["rest:http://h/r", "sftp:u@h:/r", "s3:h/b", "rclone:x:y"])
def test_remote_repository_is_its_text(text):
    assert claimed(repository=f"{text}/") == {text}


def test_variables_are_replaced():
    assert claimed(repository="/srv/$WHERE", environment={"WHERE": "r"}) == {"/srv/r"}


def test_file_stands_for_the_repository_that_it_names(tmp_path):
    (tmp_path / "file").write_text("local:/srv/r\n")
    assert claimed(repository_file=str(tmp_path / "file")) == {"/srv/r"}
    environment = {"RESTIC_REPOSITORY_FILE": str(tmp_path / "file")}
    assert claimed(environment=environment) == {"/srv/r"}


def test_environment_counts_where_the_profile_names_none():
    environment = {"RESTIC_REPOSITORY": "/srv/r"}
    assert claimed(environment=environment) == {"/srv/r"}
    assert claimed(environment=environment, repository="/own") == {"/own"}


def test_copy_claims_source_and_destination():
    own = {"repository": "/second", "initialize": True}
    assert claimed("copy", repository="/first", copy=own) == {"/first", "/second"}
    source = {"from_repository": "/second"}
    assert claimed("copy", repository="/first", copy=source) == {"/first", "/second"}


def test_section_of_its_own_may_name_another_repository():
    found = claimed("snapshots", repository="/first", snapshots={"repository": "/second"})
    assert found == {"/second"}


def test_lock_file_is_claimed_too():
    assert claimed(repository="/r", lock="/run/x.lock") == {"/r", "lock /run/x.lock"}


def test_runs_of_which_nothing_is_known_claim_the_same():
    assert claimed() == {UNKNOWN}
    assert claimed(repository_file="/no/such") == {UNKNOWN}


def test_reference_to_a_repository_is_followed():
    secret = Secret(source=lambda: "/srv/r")
    assert claimed(repository=secret) == {"/srv/r"}
