"""What cannot be seen in the golden command lines: secrets, and values that must not be touched."""

from __future__ import annotations

from resticprof.model.types import Secret, reveal
from resticprof.restic import argv, collect
from resticprof.restic.situation import Situation
from tests.kit.profiles import profile


def flags_of(section="backup", *, situation=None, **keys):
    return collect.collect(profile(**keys), section, situation or Situation())


def test_password_in_repository_is_masked_after_expansion():
    here = Situation(variables={"HOST": "one"})
    [repo] = flags_of(repository="rest:http://u:pw@$HOST/", situation=here)["repo"]
    assert (str(repo), reveal(repo)) == ("rest:http://u:×××@one/", "rest:http://u:pw@one/")


def test_password_that_a_variable_brings_is_masked():
    here = Situation(variables={"LOGIN": "u:pw"})
    [repo] = flags_of(repository="rest:http://$LOGIN@one/", situation=here)["repo"]
    assert (str(repo), reveal(repo)) == ("rest:http://u:×××@one/", "rest:http://u:pw@one/")


def test_secret_variable_makes_the_value_secret():
    here = Situation(variables={"KEY": Secret("hidden"), "REGION": "eu"})
    [option] = flags_of(option=["s3.$REGION=$KEY"], situation=here)["option"]
    assert (str(option), reveal(option)) == ("s3.eu=×××", "s3.eu=hidden")


def test_secret_without_a_public_part_stays_wholly_hidden():
    here = Situation(variables={"A": "b"})
    [command] = flags_of(password_command=Secret("get $A"), situation=here)["password-command"]
    assert (str(command), reveal(command)) == ("×××", "get b")


def test_value_of_a_reference_is_taken_as_it_is_and_not_before_it_is_needed():
    calls = []
    secret = Secret(source=lambda: calls.append(1) or "pa$A")
    here = Situation(variables={"A": "b"})
    found = flags_of(repository=secret, situation=here)
    words = argv.render("backup", found, situation=here)
    assert words.public == ("backup", "--repo=×××")
    assert not calls
    assert words.reveal() == ("backup", "--repo=pa$A")


def test_tags_joined_for_retention_stay_secret():
    [tag] = flags_of("retention", backup={"tag": ["a", Secret("b")]}, retention={"tag": True})[
        "tag"
    ]
    assert (str(tag), reveal(tag)) == ("a,×××", "a,b")


def test_copy_without_a_section_is_plain():
    assert flags_of("copy", repository="r").keys() == {"repo"}


def test_snapshots_of_copy_and_sources_of_backup_are_positional():
    here = Situation(sources=lambda: ("/a", "$B"), variables={"B": "c"})
    wanted = profile(copy={"snapshot": ["latest", "$B"]})
    assert collect.positional(wanted, "copy", here) == ("latest", "c")
    assert collect.positional(wanted, "backup", here) == ("/a", "$B")
    assert collect.positional(wanted, "check", here) == ()


def test_host_without_a_name_is_none():
    assert flags_of(backup={"host": True})["host"] == ("none",)


def test_profile_flag_of_another_command_is_not_reported_as_unknown():
    here = Situation()
    found = flags_of("check", exclude=["x"], situation=here)
    assert argv.render("check", found, situation=here).dropped == ()


def test_collecting_changes_nothing():
    one = profile(option=["a"], backup={"tag": ["b"], "option": False})
    before = (dict(one.flags), dict(one.sections["backup"].flags))
    collect.collect(one, "backup", Situation())
    assert (one.flags, one.sections["backup"].flags) == before


def test_source_without_a_password_is_one_for_the_init_of_the_destination_too():
    copy = {"from_repository": Secret("s"), "from-insecure-no-password": True, "tag": "x"}
    found = collect.second_init_flags(profile(copy=copy), Situation())
    assert found.keys() == {"copy-chunker-params", "from-repo", "from-insecure-no-password"}


def test_section_of_the_first_word_counts_for_the_second_too():
    wanted = {"key": {"no-lock": True, "host": "h"}, "key-add": {"host": "other"}}
    assert flags_of("key-add", **wanted) == {"no-lock": (), "host": ("other",)}
    assert flags_of("key-list", **wanted) == {"no-lock": ()}
    assert flags_of("key", **wanted) == {"no-lock": (), "host": ("h",)}


def test_path_of_a_source_is_spelled_as_restic_records_it():
    here = Situation(sources=lambda: ("//srv/a/", "b/../c", "./-d"), source_directory="/home")
    found = flags_of("retention", retention={"path": True}, situation=here)
    assert found["path"] == ("/srv/a", "/home/c", "/home/-d")
