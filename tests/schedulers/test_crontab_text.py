"""Lines for cron: how expressions are converted, quoted and read back."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.errors import Error
from resticprof.schedulers import crontab_text
from resticprof.schedulers.crontab_text import BEGIN, END, Block
from tests.kit.schedule import job

COMMAND = (
    "cd /srv && /usr/bin/resticprof --no-ansi --config /etc/resticprof/profiles.toml"
    " run-schedule backup@home"
)
FORMS = r"""
Sat,Thu,Mon..Wed,Sat..Sun → Mon..Thu,Sat..Sun *-*-* 00:00:00 → 00 00 * * 1,2,3,4,6,0
Mon,Sun 12-*-* 2,1:23 → Mon,Sun 2012-*-* 01,02:23:00 → 23 01,02 * * 1,0
Wed *-1 → Wed *-*-01 00:00:00 → 00 00 01 * *
Wed, 17:48 → Wed *-*-* 17:48:00 → 48 17 * * 3
10-15 → *-10-15 00:00:00 → 00 00 15 10 *
12,14,13,12:20,10,30 → *-*-* 12..14:10,20,30:00 → 10,20,30 12-14 * * *
12..14:10,20,30 → *-*-* 12..14:10,20,30:00 → 10,20,30 12-14 * * *
Mon,Fri *-*-3,1,2 *:30:45 → Mon,Fri *-*-01..03 *:30:45 → 30 * 01-03 * *
08:05:40 → *-*-* 08:05:40 → 05 08 * * *
05:40 → *-*-* 05:40:00 → 40 05 * * *
Sat,Sun 12-05 08:05 → Sat,Sun *-12-05 08:05:00 → 05 08 05 12 *
Sat,Sun 08:05 → Sat,Sun *-*-* 08:05:00 → 05 08 * * 6,0
2003-03-05 05:40 → 2003-03-05 05:40:00 → 40 05 05 03 *
2003-02..04-05 → 2003-02..04-05 00:00:00 → 00 00 05 02-04 *
Mon..Fri *:00,15 → Mon..Fri *-*-* *:00,15:00 → 00,15 * * * 1,2,3,4,5
monthly → *-*-01 00:00:00 → 00 00 01 * *
quarterly → *-01,04,07,10-01 00:00:00 → 00 00 01 01,04,07,10 *
minutely → *-*-* *:*:00 → * * * * *
thursday 3:00 → Thu *-*-* 03:00:00 → 00 03 * * 4
*:0/15 → *-*-* *:00,15,30,45:00 → 00,15,30,45 * * * *
0/6:30 → *-*-* 00,06,12,18:30:00 → 30 00,06,12,18 * * *
"""
READ_LIKE_THE_REFERENCE = """
sat..mon 3:00 → Mon..Sat *-*-* 03:00:00
sun..mon 3:00 → Mon,Sun *-*-* 03:00:00
Sunday..wed 3:00 → Mon..Wed,Sun *-*-* 03:00:00
15..12:00 → *-*-* 12..15:00:00
1..5 10:00 → Mon..Fri *-*-* 10:00:00
0,3 10:00 → Wed,Sun *-*-* 10:00:00
6,7 10:00 → Sat,Sun *-*-* 10:00:00
Mon,,Wed, *-*-,1 12,,14:,10, → Mon,Wed *-*-01 12,14:10:00
"""


def rows(text: str) -> list[list[str]]:
    return [row.split(" → ") for row in text.strip().splitlines()]


@pytest.mark.parametrize(("written", "normal", "columns"), rows(FORMS))
def test_expressions_become_columns(written: str, normal: str, columns: str) -> None:
    assert crontab_text.normal(crontab_text.read(written)) == normal
    assert crontab_text.write(job(), written).split("\t")[0] == columns


@pytest.mark.parametrize(("written", "normal"), rows(READ_LIKE_THE_REFERENCE))
def test_what_only_the_reference_takes_is_read_like_there(written: str, normal: str) -> None:
    assert crontab_text.normal(crontab_text.read(written)) == normal


@pytest.mark.parametrize(
    "text", ["*-*~1 10:00", "daily Europe/Berlin", "nonsense", "mon..u", ",", "1:,", ",:1"]
)
def test_what_cron_cannot_do_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        crontab_text.read(text)


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        ("daily", ""),
        ("2026-01-01", "years"),
        ("*:*:30", "seconds"),
        ("2026-1-1 1:1:1", "years and seconds"),
        ("*:*:*", "seconds"),
    ],
)
def test_what_cron_ignores_is_known(text: str, lost: str) -> None:
    assert crontab_text.lost(crontab_text.read(text)) == lost


def test_a_day_and_a_weekday_are_both_needed() -> None:
    line = crontab_text.write(job(), "Wed,Sun *-*-1 10:05")
    assert line == (
        "05 10 01 * *\ttest $(date '+\\%w') -eq 3 || test $(date '+\\%w') -eq 0 && " + COMMAND
    )
    read = crontab_text.parse(line)
    assert read is not None
    assert read.time == "Wed,Sun *-*-01 10:05"


def test_a_line_has_a_user_where_it_needs_one() -> None:
    line = crontab_text.write(job(), "Mon..Fri 12:30", "root")
    assert line == f"30 12 * * 1,2,3,4,5\troot\t{COMMAND}"
    read = crontab_text.parse(line)
    assert read is not None
    assert (read.job.title, read.time) == ("backup@home", "Mon,Tue,Wed,Thu,Fri *-*-* 12:30")


def as_cron_reads(command: str) -> str:
    """cron's own treatment of `%` (crontab(5)): a bare one ends the command."""
    assert "%" not in command.replace(r"\%", "")
    return command.replace(r"\%", "%")


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\x00\n\r\t/"), min_size=1, max_size=9)
)
def test_cron_and_the_shell_hand_over_every_word(text: str) -> None:
    one = job(f"/etc/{text}/profiles.toml", name=text, program=("/usr/bin/printf", "%s\\0"))
    line = crontab_text.write(one, "daily")
    command = as_cron_reads(line.split("\t")[1]).partition(" && ")[2]
    words = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout
    assert words.decode().split("\0")[:-1] == [
        *("--no-ansi", "--config", one.config_file, "run-schedule", one.title)
    ]
    read = crontab_text.parse(line)
    if not text.isspace():
        assert read is not None
        assert (read.job.config_file, read.job.name) == (one.config_file, text)


def test_a_line_end_in_a_path_is_refused() -> None:
    with pytest.raises(Error, match="line end"):
        crontab_text.write(job(working_directory="/a\nb"), "daily")


@pytest.mark.parametrize(
    ("line", "title", "config"),
    [
        (
            "00 03 * * *\tcd /x && /opt/rp --no-ansi --config other.yaml run-schedule check@a",
            "check@a",
            "/x/other.yaml",
        ),
        (
            '00 03 * * *\tcd /x && "/my dir/rp" --config "/my dir/p.yaml" run-schedule b@a',
            "b@a",
            "/my dir/p.yaml",
        ),
        (
            "00 03 * * *\troot\t/usr/bin/resticprofile --no-ansi --config /p.yaml --name a backup",
            "backup@a",
            "/p.yaml",
        ),
    ],
)
def test_lines_of_the_reference_are_recognised(line: str, title: str, config: str) -> None:
    read = crontab_text.parse(line)
    assert read is not None
    assert (read.job.title, read.job.config_file, read.time) == (title, config, "*-*-* 03:00")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# a comment",
        "5 4 * * * /usr/bin/true",
        "00 03 * * *\tcd /x && /usr/bin/tar --config x",
        "00 03 * * *\tcd '/x && y",
        "@daily /usr/bin/resticprofile --config x run-schedule a@b",
    ],
)
def test_other_lines_are_not_ours(line: str) -> None:
    assert crontab_text.parse(line) is None


def test_the_block_is_appended_and_found_again() -> None:
    text = Block.of("# mine\n").with_lines(["one", "two"])
    assert text == f"# mine\n\n{BEGIN}\none\ntwo\n{END}\n"
    assert Block.of(text).lines == ("one", "two")
    assert Block.of(text + "# after\n").with_lines([]) == f"# mine\n\n{BEGIN}\n{END}\n# after\n"


def test_a_block_without_an_end_is_not_guessed() -> None:
    with pytest.raises(Error, match="put it back"):
        Block.of(f"{BEGIN}\n5 4 * * * /usr/bin/true\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", False),
        ("5 4 * * * /usr/bin/true\n", False),
        ("5 4 * * * root /usr/bin/true\n*/5 * * * * anna  true\n", True),
        ("5 4 * * * root /usr/bin/true\n5 4 * * * anna\n", False),
        ("5 4 * * * tar cf x y\n", False),
        ("# *  *  *  *  * user-name  command to be executed\n", True),
        ("# * * * * * command\n5 4 * * * root x\n", False),
        ("MAILTO=root\n5 4 * * * root x\n", True),
    ],
)
def test_a_user_column_is_noticed(text: str, found: bool) -> None:
    assert crontab_text.user_column(text, {"root", "anna"}.__contains__) is found
