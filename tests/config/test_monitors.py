"""`monitor` tables at their levels: how they merge, what they may hold, what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from resticprof.config.convert import Converter
from resticprof.config.formats import base, toml
from resticprof.config.monitors import COMMANDS, by_command, check_shared, of_group
from resticprof.model.types import MASK, Secret, reveal

HC = "https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a"
OTHER = "https://hc-ping.com/0f3c9a52-3a0e-4a6e-9a53-2f3a52a0c111"


class Reading:
    """The monitors of profile `home`, and everything there is to say about them."""

    def __init__(self, text, format_name="toml", directory="/etc"):
        self._converter = Converter(Path(directory))
        root = base.parse(text, f"profiles.{format_name}", format_name)
        shared = root.get("global")
        shared = shared.get("monitor") if shared else None
        if shared is not None:
            check_shared(self._converter, shared)
        self.commands = by_command(self._converter, root.get("home"), "home", shared)

    @property
    def problems(self):
        return [str(problem) for problem in self._converter.problems]

    @property
    def advice(self):
        return [str(problem) for problem in self._converter.advice]

    def of(self, command="backup"):
        assert self.problems == []
        return self.commands.get(command, ())

    def one(self, command="backup"):
        [monitor] = self.of(command)
        return monitor


def services(monitors):
    return [type(monitor).__name__.lower() for monitor in monitors]


def at(text, level="home.monitor"):
    return Reading(f"[{level}]\n{text}")


# ---- levels ---------------------------------------------------------------------------------


def test_a_profile_reports_five_commands():
    found = at(f'healthchecks = "{HC}"').commands
    assert tuple(found) == COMMANDS == ("backup", "copy", "check", "forget", "prune")


def test_global_services_are_for_every_profile():
    assert services(Reading(f'[home]\n[global.monitor]\nhealthchecks = "{HC}"').of()) == [
        "healthchecks"
    ]


def test_later_levels_win_key_by_key():
    read = Reading(f"""
        [global.monitor.healthchecks]
        url = "{HC}"
        timeout = "1s"
        retries = 1
        body-limit = 1
        [home.monitor.healthchecks]
        retries = 2
        body-limit = 2
        [home.check.monitor.healthchecks]
        body-limit = 3
    """)
    kept = [
        (float(monitor.timeout), monitor.retries, monitor.body_limit)
        for monitor in (read.one("backup"), read.one("check"))
    ]
    assert kept == [(1, 2, 2), (1, 2, 3)]


def test_tables_inside_of_a_service_merge_too():
    read = Reading("""
        [global.monitor.ntfy]
        topic = "t"
        [global.monitor.ntfy.fail]
        title = "T"
        priority = "low"
        [home.monitor.ntfy.fail]
        priority = "max"
    """)
    assert (read.one().fail.title, read.one().fail.priority) == ("T", "max")


def test_lists_replace():
    read = Reading("""
        [home.monitor.apprise]
        services = [{ url = "json://one" }, { url = "json://two" }]
        states = ["start", "finish", "fail"]
        [home.check.monitor.apprise]
        services = [{ url = "json://three" }]
        states = ["fail"]
    """)
    assert [service.url.reveal() for service in read.one("check").services] == ["json://three"]
    assert read.one("check").states == ("fail",)


def test_references_replace_as_a_unit(monkeypatch, tmp_path):
    (tmp_path / "token").write_text("from the file\n")
    (tmp_path / "token").chmod(0o600)
    monkeypatch.setenv("NTFY", "from the environment")
    read = Reading(
        """
        [global.monitor.ntfy]
        topic = "t"
        access-token = { env = "NTFY" }
        [home.monitor.ntfy]
        access-token = { file = "token" }
        """,
        directory=tmp_path,
    )
    assert read.one().access_token.reveal() == "from the file"


def test_the_spelling_does_not_matter_for_merging():
    read = Reading(f"""
        [global.monitor.healthchecks]
        ping_url = "https://hc-ping.com/old"
        [home.monitor.healthchecks]
        url = "https://hc-ping.com/newer"
        [home.check.monitor.healthchecks]
        ping-url = "{HC}"
    """)
    assert read.one("check").url.reveal() == HC
    assert read.one("backup").url.reveal().endswith("newer")


def test_a_reference_in_a_suffix_replaces_the_value_and_the_other_way_round(monkeypatch, tmp_path):
    (tmp_path / "pw").write_text("secret")
    (tmp_path / "pw").chmod(0o600)
    read = Reading(
        """
        [home.monitor.ntfy]
        topic = "t"
        username = "u"
        password-file = "pw"
        [home.check.monitor.ntfy]
        password = "typed"
        [home.prune.monitor.ntfy]
        password_command = "echo printed"
        """,
        directory=tmp_path,
    )
    passwords = [read.one(c).password.reveal() for c in ("backup", "check", "prune")]
    assert passwords == ["secret", "typed", "printed"]


def test_false_removes_a_service_and_true_brings_it_back():
    read = Reading(f"""
        [global.monitor]
        healthchecks = "{HC}"
        [home.monitor]
        healthchecks = false
        [home.check.monitor]
        healthchecks = true
    """)
    assert (read.of("backup"), services(read.of("check"))) == ((), ["healthchecks"])


def test_false_removes_every_entry_of_a_list():
    read = Reading("""
        [[home.monitor.ntfy]]
        topic = "one"
        [[home.monitor.ntfy]]
        topic = "two"
        [home.check.monitor]
        ntfy = false
    """)
    assert [monitor.topic for monitor in read.of("backup")] == ["one", "two"]
    assert read.of("check") == ()


@pytest.mark.parametrize("off", ["monitor = false", "monitor.enabled = false"])
def test_a_section_can_be_silenced_as_a_whole(off):
    read = Reading(f"""
        [home.monitor]
        healthchecks = {{ url = "{HC}", enabled = true }}
        [home.prune]
        {off}
    """)
    assert (services(read.of("backup")), read.of("prune")) == (["healthchecks"], ())


def test_a_service_of_a_silenced_section_can_speak():
    read = Reading(f"""
        [home.monitor]
        cronitor = "https://cronitor.link/d3x0c1"
        [home.prune.monitor]
        enabled = false
        healthchecks = {{ url = "{HC}", enabled = true }}
    """)
    assert services(read.of("prune")) == ["healthchecks"]


def test_lists_of_entries_merge_by_name():
    read = Reading("""
        [[home.monitor.ntfy]]
        name = "me"
        topic = "mine"
        [[home.monitor.ntfy]]
        name = "ops"
        topic = "theirs"
        [[home.check.monitor.ntfy]]
        name = "ops"
        topic = "other"
        [[home.check.monitor.ntfy]]
        name = "third"
        topic = "new"
    """)
    topics = {monitor.name: monitor.topic for monitor in read.of("check")}
    assert topics == {"me": "mine", "ops": "other", "third": "new"}


def test_entries_without_a_name_merge_by_position_and_are_told_apart():
    read = Reading("""
        [home.monitor]
        ntfy = ["one", "two"]
        [home.check.monitor]
        ntfy = ["three"]
    """)
    assert [(m.name, m.topic) for m in read.of("backup")] == [("1", "one"), ("2", "two")]
    assert [(m.name, m.topic) for m in read.of("check")] == [("1", "three"), ("2", "two")]


def test_common_keys_are_defaults_for_every_service():
    read = Reading(f"""
        [global.monitor]
        timeout = "3s"
        send-logs = false
        [home.monitor]
        retries = 7
        healthchecks = {{ url = "{HC}", retries = 1 }}
        ntfy = "t"
    """)
    found = {type(m).__name__: (float(m.timeout), m.retries, m.send_logs) for m in read.of()}
    assert found == {"Healthchecks": (3, 1, False), "Ntfy": (3, 7, False)}


def test_common_states_are_those_that_a_service_knows():
    read = at(f"""
        states = ["start", "log", "finish", "fail"]
        healthchecks = "{HC}"
        pagerduty = "a177cad45bd374409f78906a810a3074"
    """)
    states = {type(monitor).__name__: monitor.states for monitor in read.of()}
    assert states == {
        "Healthchecks": ("start", "log", "finish", "fail"),
        "PagerDuty": ("finish", "fail"),
    }


def test_half_a_service_in_global_waits_for_profiles_that_complete_it():
    text = '[global.monitor.ntfy]\nurl = "https://ntfy.lan"\n[home]\n'
    assert Reading(text).of() == ()
    assert Reading(f'{text}[home.monitor]\nntfy = "t"').one().url == "https://ntfy.lan"


def test_other_commands_are_told_to_those_that_their_section_names():
    read = Reading(f"""
        [home.monitor]
        healthchecks = "{HC}"
        ntfy = {{ topic = "t", url = "https://ntfy.lan" }}
        [home.restore.monitor]
        ntfy = "restores"
    """)
    assert (read.one("restore").topic, read.one("restore").url) == ("restores", "https://ntfy.lan")


def test_other_commands_are_told_to_everybody_when_their_section_says_so():
    read = at(f'healthchecks = "{HC}"\n[home.restore]\nmonitor = true')
    assert services(read.of("restore")) == ["healthchecks"]


def test_a_variable_of_the_name_monitor_is_no_monitor():
    assert Reading('[home.env]\nmonitor = "yes"').commands == {}


def test_a_group_has_what_it_names_with_the_defaults_of_all():
    root = toml.parse(
        f"""
        [global.monitor]
        timeout = "3s"
        cronitor = "https://cronitor.link/d3x0c1"
        healthchecks.body-limit = 5
        [groups.all.monitor]
        healthchecks = "{HC}"
        """,
        "profiles.toml",
    )
    converter = Converter(Path("/etc"))
    own = root.get("groups").get("all").get("monitor")
    found = of_group(converter, own, "groups.all.monitor", root.get("global").get("monitor"))
    [monitor] = found["backup"]
    assert (float(monitor.timeout), monitor.body_limit, monitor.url.reveal()) == (3, 5, HC)


# ---- spellings ------------------------------------------------------------------------------


def test_a_bare_value_stands_for_the_most_important_key(monkeypatch):
    monkeypatch.setenv("HC_URL", HC)
    assert at(f'healthchecks = "{HC}"').one().url.reveal() == HC
    assert at('healthchecks = { env = "HC_URL" }').one().url.reveal() == HC


@pytest.mark.parametrize(
    ("written", "skipped"),
    [
        ("verify_tls = false", True),
        ("verify-tls = true", False),
        ("skip_tls_verification = true", True),
        ('verify-tls = "0"', True),
    ],
)
def test_verify_tls_is_the_opposite_of_ours(written, skipped):
    assert at(f'{written}\nhealthchecks = "{HC}"').one().skip_tls_verification is skipped
    read = at(f'[home.monitor.healthchecks]\nurl = "{HC}"\n{written}')
    assert read.one().skip_tls_verification is skipped


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("{credential systemd  pager}", "{ credential = pager }"),
        ("{credential container pager}", "{ credential = pager }"),
        ("{credential file /etc/pager}", "{ file = /etc/pager }"),
    ],
)
def test_credentials_of_borgmatic_are_references(value, found):
    assert str(at(f'pagerduty.integration_key = "{value}"').one().integration_key) == found


def test_variables_of_the_environment_stand_in_secrets_and_addresses(monkeypatch):
    monkeypatch.setenv("CODE", "d3x0c1")
    read = at('cronitor = "https://cronitor.link/${CODE}"\nntfy.topic = "$1"')
    cronitor, ntfy = read.of()
    assert cronitor.url.reveal() == "https://cronitor.link/d3x0c1"
    assert ntfy.topic == "$1"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("${NOT_THERE:-d3x0c1}", "d3x0c1"),
        ("${NOT_THERE-d3x0c1}", "d3x0c1"),
        ("${EMPTY:-d3x0c1}", "d3x0c1"),
        ("${EMPTY-d3x0c1}", ""),
        ("${CODE:-other}", "code"),
        ("${NOT_THERE:-}", ""),
        (r"\\${CODE}", "${CODE}"),
    ],
)
def test_variables_have_defaults_and_an_escape_as_in_borgmatic(monkeypatch, written, found):
    monkeypatch.setenv("CODE", "code")
    monkeypatch.setenv("EMPTY", "")
    read = at(f'cronitor = "https://cronitor.link/p/{written}"')
    assert read.one().url.reveal() == f"https://cronitor.link/p/{found}"


def test_variables_of_the_environment_stand_in_labels_and_names(monkeypatch):
    monkeypatch.setenv("SITE", "north")
    read = Reading("""
        [home.monitor.loki]
        url = "http://loki"
        labels = { site = "${SITE}" }
        tenant = "${SITE}"
        [home.monitor.sentry]
        dsn = "https://k@sentry.io/1"
        monitor_slug = "home-${SITE}"
        [home.monitor.pagerduty]
        integration-key = "k"
        group = "${SITE}"
    """)
    loki, sentry, pagerduty = read.of()
    assert loki.labels == {"site": "north"}
    assert loki.tenant == "north"
    assert sentry.monitor_slug == "home-north"
    assert pagerduty.group == "north"
    assert "${PROFILE_NAME}" in pagerduty.dedup_key


def test_texts_for_people_keep_their_variables():
    assert at('ntfy = { topic = "t", fail = { title = "${SUMMARY}" } }').one().fail.title == (
        "${SUMMARY}"
    )


def test_labels_keep_their_names():
    read = Reading("""
        [global.monitor.loki]
        url = "http://loki"
        labels = { env = "prod" }
        [home.monitor.loki.labels]
        App_Name = "x"
    """)
    assert read.one().labels == {"env": "prod", "App_Name": "x"}


def test_headers_are_secret_unless_they_are_harmless():
    read = at("""
        [home.monitor.ntfy]
        topic = "t"
        headers = [
            { name = "X-Password", value = "abcd1234" },
            { name = "Title", value = "hello" },
            { name = "X-Token", value_command = "echo hi" },
        ]
    """)
    secret, harmless, reference = read.one().headers
    assert isinstance(secret.value, Secret)
    assert (reveal(secret.value), harmless.value) == ("abcd1234", "hello")
    assert reveal(reference.value) == "hi"


def test_a_password_in_an_address_is_hidden():
    read = at('loki = { url = "http://me:pass@loki/push", labels = { a = "b" } }')
    assert str(read.one().url) == f"http://loki/{MASK}"
    assert read.one().url.reveal() == "http://me:pass@loki/push"


def test_of_the_address_of_a_service_the_host_is_shown():
    read = at("""
        cronitor = "https://cronitor.link/d3x0c1"
        apprise.services = [{ url = "tgram://bottoken/ChatID" }]
        pagerduty = "not an address"
    """)
    cronitor, apprise, pagerduty = read.of()
    assert str(cronitor.url) == f"https://cronitor.link/{MASK}"
    assert str(apprise.services[0].url) == f"tgram://{MASK}"
    assert str(pagerduty.integration_key) == MASK


FORMATS = {
    "toml": f"""
        [home.monitor]
        on-warning = "finish"
        [home.monitor.healthchecks]
        url = "{HC}"
        states = ["start", "fail"]
        [[home.monitor.ntfy]]
        name = "me"
        topic = "mine"
        [home.monitor.ntfy.fail]
        title = "T"
        tags = ["skull"]
        [[home.monitor.ntfy]]
        name = "ops"
        topic = "theirs"
        access-token = {{ env = "NTFY" }}
        [home.monitor.loki]
        url = "http://loki/push"
        [home.monitor.loki.labels]
        app = "x"
        [home.check.monitor.healthchecks]
        url = "{OTHER}"
        [home.prune.monitor]
        healthchecks = false
    """,
    "yaml": f"""
home:
  monitor:
    on-warning: finish
    healthchecks: {{url: "{HC}", states: [start, fail]}}
    ntfy:
      - name: me
        topic: mine
        fail: {{title: T, tags: skull}}
      - {{name: ops, topic: theirs, access_token: {{env: NTFY}}}}
    loki:
      url: http://loki/push
      labels: {{app: x}}
  check:
    monitor: {{healthchecks: {{url: "{OTHER}"}}}}
  prune:
    monitor: {{healthchecks: false}}
""",
    "json": f"""{{"home": {{
  "monitor": {{
    "on-warning": "finish",
    "healthchecks": {{"url": "{HC}", "states": ["start", "fail"]}},
    "ntfy": [
      {{"name": "me", "topic": "mine", "fail": {{"title": "T", "tags": ["skull"]}}}},
      {{"name": "ops", "topic": "theirs", "access-token": {{"env": "NTFY"}}}}
    ],
    "loki": {{"url": "http://loki/push", "labels": {{"app": "x"}}}}
  }},
  "check": {{"monitor": {{"healthchecks": "{OTHER}"}}}},
  "prune": {{"monitor": {{"healthchecks": false}}}}
}}}}""",
    "hcl": f"""
home {{
  monitor {{
    on-warning = "finish"
    healthchecks {{
      url = "{HC}"
      states = ["start", "fail"]
    }}
    ntfy {{
      name = "me"
      topic = "mine"
      fail {{
        title = "T"
        tags = "skull"
      }}
    }}
    ntfy {{
      name = "ops"
      topic = "theirs"
      access-token = {{ env = "NTFY" }}
    }}
    loki {{
      url = "http://loki/push"
      labels {{
        app = "x"
      }}
    }}
  }}
  check {{
    monitor {{
      healthchecks {{
        url = "{OTHER}"
      }}
    }}
  }}
  prune {{
    monitor {{
      healthchecks = false
    }}
  }}
}}
""",
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_the_same(name, monkeypatch):
    monkeypatch.setenv("NTFY", "token")
    found = Reading(FORMATS[name], name)
    assert found.of() == Reading(FORMATS["toml"]).of()
    assert found.commands == Reading(FORMATS["toml"]).commands
    assert len(found.of("backup")) == 4
    assert found.of("check")[0].url.reveal() == OTHER
    assert len(found.of("prune")) == 3


def test_blocks_of_hcl_may_be_repeated():
    text = f"""
        home {{
          monitor {{ timeout = "3s" }}
          monitor {{ healthchecks {{ body-limit = 5 }} }}
          monitor {{ healthchecks = "{HC}" }}
          check {{ tag = ["a"] }}
          check {{ monitor {{ healthchecks = false }} }}
        }}
    """
    read = Reading(text, "hcl")
    assert (float(read.one().timeout), read.one().body_limit) == (3, 5)
    assert read.of("check") == ()


# ---- mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('nfty = "t"', "2: home.monitor.nfty: unknown key; did you mean `ntfy`?"),
        ('ntfy = { topic = "t", usrname = "u" }', "2: home.monitor.ntfy.usrname: unknown key; did"),
        (
            'ntfy = { topic = "t", fail = { titel = "x" } }',
            "2: home.monitor.ntfy.fail.titel: unknown key; did you mean `title`?",
        ),
        ("[home.monitor.ntfy]", "2: home.monitor.ntfy: `topic` is missing"),
        ("ntfy = true", "2: home.monitor.ntfy: `topic` is missing"),
        (
            'timeout = "soon"',
            "2: home.monitor.timeout: `soon` is not a duration; write it like 30s, 10m or 1h30m",
        ),
        ('on-warning = "maybe"', "2: home.monitor.on-warning: `maybe` is not one of `finish`"),
        ('states = ["strat"]\nntfy = "t"', "2: home.monitor.states: `strat` is not one of"),
        (
            'ntfy = { topic = "t", states = ["log"] }',
            "2: home.monitor.ntfy: `states`: there is no `log` for this service",
        ),
        (
            'ntfy = { topic = "t", tls-client-cert = "c.pem" }',
            "2: home.monitor.ntfy: `tls-client-cert` and `tls-client-key` need each other",
        ),
        ('ntfy = { topic = "t", tls = { cert = "x" } }', "2: home.monitor.ntfy.tls.cert: unknown"),
        ('ntfy = { topic = "t", commands = "bakup" }', "no command `bakup`; did you mean `backup`"),
        ('ntfy = { topic = "t", verify-tls = "no" }', "2: home.monitor.ntfy.verify-tls: `no` is"),
        ('ntfy = { topic = "t", timeout = 0 }', "2: home.monitor.ntfy: `timeout` must be"),
        ('ntfy = { topic = "t", retries = -1 }', "2: home.monitor.ntfy: `retries` must not be"),
        ('cronitor = "https://x/${NOT_THERE}"', "the variable `NOT_THERE` is not set"),
        (
            'loki = { url = "http://l", labels = { a = "${NOT_THERE}" } }',
            "2: home.monitor.loki.labels.a: the variable `NOT_THERE` is not set",
        ),
        (
            'pagerduty = "{credential keepassxc db entry}"',
            "2: home.monitor.pagerduty: credentials of `keepassxc` are not understood",
        ),
        (
            'ntfy = [{ name = "a", topic = "x" }, { name = "a", topic = "y" }]',
            "2: home.monitor.ntfy: two entries have the name `a`",
        ),
        (
            'pushover = { token = "t", user = "u", fail = { retry = 60 } }',
            "2: home.monitor.pushover: ",
        ),
        (
            'loki = { url = "http://l", labels = { my-label = "x" } }',
            "2: home.monitor.loki: `labels.my-label`: letters, digits and `_` only",
        ),
    ],
)
def test_a_mistake_is_told_once_with_its_place_and_its_key(text, problem):
    [found] = at(text).problems
    assert problem in found
    assert found.startswith("profiles.toml:2: home.monitor")


def test_the_key_names_the_table_where_the_mistake_is():
    read = Reading("""
        [global.monitor.ntfy]
        retries = "many"
        [home.monitor]
        ntfy = "t"
        [home.check.monitor.ntfy]
        timeout = "soon"
    """)
    first, second = read.problems
    assert first.startswith("profiles.toml:3: global.monitor.ntfy.retries: ")
    assert second.startswith("profiles.toml:7: home.check.monitor.ntfy.timeout: ")


@pytest.mark.parametrize("written", ['monitor = "ntfy"', "monitor = 5", 'monitor = ["x"]'])
def test_monitor_must_be_a_table(written):
    [problem] = Reading(f"[home]\n{written}").problems
    assert problem.startswith("profiles.toml:2: home.monitor: expected a table, got ")


def test_a_value_that_cannot_be_read_does_not_silence_the_service():
    read = at(f'timeout = "soon"\nhealthchecks = "{HC}"')
    assert len(read.problems) == 1
    [monitor] = read.commands["backup"]
    assert float(monitor.timeout) == 10


def test_what_has_shut_down_is_advice_once():
    read = at('cronhub = "https://cronhub.io/start/1f5e3410-254c-11e8-b61d-55875966d031"')
    assert len(read.of()) == 1
    [advice] = read.advice
    assert "cronhub" in advice.lower()


def test_monitors_can_be_compared():
    one, other = (at(f'healthchecks = "{HC}"').one() for _ in range(2))
    assert one == other
    assert one != msgspec.structs.replace(other, retries=5)
