"""Under which names templates see their data."""

from __future__ import annotations

from pathlib import PurePosixPath

import msgspec
import pytest

from resticprof.model.run import Outcome, Report, Summary
from resticprof.model.types import Secret
from resticprof.templates import data


@pytest.mark.parametrize(
    ("name", "spelling"),
    [
        ("profile_name", "ProfileName"),
        ("os", "OS"),
        ("run_id", "RunID"),
        ("cpu_scheduling_policy", "CPUSchedulingPolicy"),
        ("io_scheduling_class", "IOSchedulingClass"),
        ("bytes_added_packed", "BytesAddedPacked"),
    ],
)
def test_a_name_is_spelled_as_in_go(name, spelling):
    assert data.go_spelling(name) == spelling


def test_properties_can_be_read_like_fields():
    assert data.spellings(Report)["Seconds"] == "seconds"


def test_every_field_of_the_report_has_its_own_spelling():
    for kind in (Report, Summary, data.HookData, data.ConfigData):
        names = kind.__struct_fields__
        assert len({data.go_spelling(name) for name in names}) == len(names)


def test_a_value_is_given_as_templates_know_it():
    class Some(msgspec.Struct):
        outcome: Outcome
        password: Secret
        path: PurePosixPath

    some = Some(Outcome.FAILED, Secret("x"), PurePosixPath("/a"))
    given = [data.field(some, name) for name in ("Outcome", "password", "Path")]
    assert given == ["failed", "×××", "/a"]


def test_an_unknown_name_is_a_key_error():
    with pytest.raises(KeyError):
        data.field(data.NameData(), "Nope")
