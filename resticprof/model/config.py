"""The configuration as typed data: what a person wrote in `profiles.toml`.

Keys, types and defaults of the reference, plus our own. Every field's text feeds
docs/reference.md and the JSON Schema. A key that is not a field here is a flag for restic and
ends in `flags`, by restic's long name.
"""

from __future__ import annotations

from typing import Annotated

from resticprof.model.monitor import Monitor
from resticprof.model.table import Key, Table
from resticprof.model.types import Duration, Place, Secret, Text

Lines = tuple[str, ...]
Paths = tuple[str, ...]

FlagValue = bool | Text | tuple[Text, ...]
"""`True`: the flag alone. Text: `--flag=text`. A tuple: once for each. `False` cancels a flag."""


class Header(Table):
    """One header of an HTTP hook."""

    name: Annotated[str, Key("name of the header")] = ""
    value: Annotated[Text, Key("value of the header; shown masked unless it is harmless")] = ""


class Webhook(Table, kw_only=True):
    """One request of `send-before`, `send-after`, `send-after-fail` or `send-finally`."""

    url: Annotated[
        Secret | None, Key("URL of the webhook (required); `${VARIABLES}` are replaced")
    ] = None
    method: Annotated[str, Key("HTTP method, sent as written")] = "GET"
    headers: Annotated[tuple[Header, ...], Key("list of `name` and `value`")] = ()
    body: Annotated[Text | None, Key("data to send; `${VARIABLES}` are replaced")] = None
    body_template: Annotated[
        str | None, Key("template file for the body, in Go's language or Jinja2", expand="EHR")
    ] = None
    skip_tls_verification: Annotated[bool, Key("accept any certificate (not recommended)")] = False
    background: Annotated[
        bool, Key("do not wait for the answer before going on (`send-before` only)")
    ] = False


class StreamError(Table, kw_only=True):
    """What to run when a line of restic's stderr matches."""

    pattern: Annotated[str, Key("regular expression, tried on every line of restic's stderr")]
    min_matches: Annotated[int, Key("run each time that many new lines matched")] = 0
    max_runs: Annotated[int, Key("at most this often for one restic process; 0: no limit")] = 0
    run: Annotated[str, Key("shell line; the matching line is its standard input")] = ""


_OUTPUT = "where the output of commands goes: `auto`, `log`, `console`, `all`, or `log,console`"


class Schedule(Table):
    """When and how a command runs by itself."""

    place: Place = Place()
    at: Annotated[Lines, Key("calendar expressions, as systemd.time(7) writes them")] = ()
    permission: Annotated[
        str,
        Key(
            "whose job it is",
            values=("auto", "system", "user", "user_logged_on", "user_logged_in"),
            lenient=True,
        ),
    ] = "auto"
    run_level: Annotated[
        str, Key("Windows only", values=("auto", "lowest", "highest"), lenient=True)
    ] = "auto"
    log: Annotated[str, Key("log target of the scheduled run", expand="EHR")] = ""
    command_output: Annotated[str, Key(_OUTPUT)] = "auto"
    priority: Annotated[
        str, Key("CPU and IO priority", values=("standard", "background"), lenient=True)
    ] = "standard"
    lock_mode: Annotated[
        str,
        Key(
            "`default` waits `lock-wait`, `fail` does not wait, `ignore` takes no lock",
            values=("default", "fail", "ignore"),
            lenient=True,
        ),
    ] = "default"
    lock_wait: Annotated[Duration | None, Key("how long to wait for the lock")] = None
    capture_environment: Annotated[
        Lines, Key("names (globs) of variables that are kept for the scheduled run")
    ] = ("RESTIC_*",)
    ignore_on_battery: Annotated[bool | None, Key("skip the run on battery power")] = None
    ignore_on_battery_less_than: Annotated[
        int, Key("skip the run on battery power below this charge, in percent")
    ] = 0
    after_network_online: Annotated[bool | None, Key("wait for network-online.target")] = None
    systemd_drop_in_files: Annotated[
        Paths, Key("files that are copied next to the unit", expand="EHR")
    ] = ()
    hide_window: Annotated[bool | None, Key("Windows only")] = None
    start_when_available: Annotated[bool | None, Key("Windows only")] = None
    randomized_delay: Annotated[
        Duration | None, Key("`RandomizedDelaySec=` of the timer: spreads jobs over this time")
    ] = None
    on_failure: Annotated[
        Lines, Key("units that systemd starts when the run fails (`OnFailure=`)")
    ] = ()
    watchdog: Annotated[
        Duration | None, Key("`WatchdogSec=`: end a run in which nothing has moved for so long")
    ] = None
    hardening: Annotated[
        bool, Key("restrict what the service may do, as far as backups allow it")
    ] = True


class Section(Table):
    """A restic command in a profile: its flags, its hooks, its schedule."""

    place: Place = Place()
    run_before: Annotated[Lines, Key("shell lines before the command")] = ()
    run_after: Annotated[Lines, Key("shell lines after success")] = ()
    run_after_fail: Annotated[Lines, Key("shell lines after a failure")] = ()
    run_finally: Annotated[Lines, Key("shell lines at the end, whatever happened")] = ()
    send_before: Annotated[tuple[Webhook, ...], Key("HTTP requests before the command")] = ()
    send_after: Annotated[tuple[Webhook, ...], Key("HTTP requests after success")] = ()
    send_after_fail: Annotated[tuple[Webhook, ...], Key("HTTP requests after a failure")] = ()
    send_finally: Annotated[tuple[Webhook, ...], Key("HTTP requests at the end")] = ()
    on_error: Annotated[
        Lines, Key("shell lines after a failure; `{error}` and its like are quoted for the shell")
    ] = ()
    hook_timeout: Annotated[Duration | None, Key("time limit of each shell hook")] = None
    timeout: Annotated[
        Duration | None, Key("time limit of restic; it is interrupted, not killed")
    ] = None
    retry: Annotated[int | None, Key("further attempts after a failure that can heal")] = None
    retry_wait: Annotated[Duration | None, Key("time between two attempts")] = None
    schedule: Annotated[Schedule | None, Key("when the command runs by itself")] = None
    flags: dict[str, FlagValue] = {}


class Backup(Section):
    """`backup`"""

    source: Annotated[Paths, Key("what to back up; globs are expanded", expand="EH")] = ()
    source_base: Annotated[str, Key("directory that relative sources belong to", expand="EH")] = ""
    source_relative: Annotated[
        bool, Key("run restic in `source-base` and keep the sources relative")
    ] = False
    check_before: Annotated[bool, Key("run `restic check` before the backup")] = False
    check_after: Annotated[bool, Key("run `restic check` after the backup")] = False
    stdin: Annotated[bool, Key("back up our standard input", flag="stdin")] = False
    stdin_command: Annotated[Lines, Key("shell lines whose output is backed up")] = ()
    extended_status: Annotated[
        bool, Key("read the numbers from restic's JSON; hides its progress", flag="json")
    ] = False
    no_error_on_warning: Annotated[
        bool, Key("exit status 3 of restic (some files could not be read) counts as success")
    ] = False
    exclude: Annotated[Lines, Key("patterns to leave out", expand="EH", flag="exclude")] = ()
    iexclude: Annotated[
        Lines, Key("the same, ignoring upper and lower case", expand="EH", flag="iexclude")
    ] = ()
    exclude_file: Annotated[
        Paths, Key("files with patterns to leave out", expand="EHR", flag="exclude-file")
    ] = ()
    iexclude_file: Annotated[
        Paths, Key("the same, ignoring case", expand="EHR", flag="iexclude-file")
    ] = ()
    files_from: Annotated[
        Paths, Key("files that list what to back up", expand="EHR", flag="files-from")
    ] = ()
    files_from_raw: Annotated[
        Paths, Key("the same, NUL-separated", expand="EHR", flag="files-from-raw")
    ] = ()
    files_from_verbatim: Annotated[
        Paths, Key("the same, without patterns", expand="EHR", flag="files-from-verbatim")
    ] = ()


class Retention(Section):
    """`retention`: a `forget` before or after each backup."""

    before_backup: Annotated[bool | None, Key("run `restic forget` before the backup")] = None
    after_backup: Annotated[bool | None, Key("run `restic forget` after the backup")] = None


class Init(Section):
    """`init`"""

    copy_chunker_params: Annotated[
        bool,
        Key("copy the chunker parameters of the other repository", flag="copy-chunker-params"),
    ] = False
    from_repository: Annotated[
        Secret | None, Key("the other repository", expand="EH", flag="from-repo")
    ] = None
    from_repository_file: Annotated[
        str | None, Key("file with the other repository", expand="EHR", flag="from-repository-file")
    ] = None
    from_password_file: Annotated[
        str | None, Key("file with its password", expand="EHR", flag="from-password-file")
    ] = None
    from_password_command: Annotated[
        Text | None, Key("command that prints its password", flag="from-password-command")
    ] = None
    from_key_hint: Annotated[str | None, Key("key to try first", flag="from-key-hint")] = None


class Copy(Section):
    """`copy`: the section names the destination, or with `from-*` keys the source."""

    initialize: Annotated[bool, Key("create the second repository first")] = False
    initialize_copy_chunker_params: Annotated[
        bool | None, Key("give the new repository the same chunker parameters (default: yes)")
    ] = None
    snapshot: Annotated[Lines, Key("snapshots to copy; all without it")] = ()
    repository: Annotated[Secret | None, Key("the destination", expand="EH", flag="repo")] = None
    repository_file: Annotated[
        str | None, Key("file with the destination", expand="EHR", flag="repository-file")
    ] = None
    password_file: Annotated[
        str | None, Key("file with its password", expand="EHR", flag="password-file")
    ] = None
    password_command: Annotated[
        Text | None, Key("command that prints its password", flag="password-command")
    ] = None
    key_hint: Annotated[str | None, Key("key to try first", flag="key-hint")] = None
    from_repository: Annotated[Secret | None, Key("the source", expand="EH", flag="from-repo")] = (
        None
    )
    from_repository_file: Annotated[
        str | None, Key("file with the source", expand="EHR", flag="from-repository-file")
    ] = None
    from_password_file: Annotated[
        str | None, Key("file with its password", expand="EHR", flag="from-password-file")
    ] = None
    from_password_command: Annotated[
        Text | None, Key("command that prints its password", flag="from-password-command")
    ] = None
    from_key_hint: Annotated[str | None, Key("key to try first", flag="from-key-hint")] = None


SECTIONS: dict[str, type[Section]] = {
    "backup": Backup,
    "retention": Retention,
    "init": Init,
    "copy": Copy,
}
"""Sections with keys of their own; every other restic command is a plain `Section`."""


class Profile(Table):
    """One profile, after inheritance: a repository and what to do with it."""

    name: str = ""
    place: Place = Place()
    description: Annotated[str, Key("one sentence for listings", inherited=False)] = ""
    inherit: Annotated[str, Key("profile whose values this one starts from", inherited=False)] = ""
    base_dir: Annotated[str, Key("working directory of the whole run", expand="EHR")] = ""
    repository: Annotated[Secret | None, Key("where the backups are", expand="EH", flag="repo")] = (
        None
    )
    repository_file: Annotated[
        str | None, Key("file with the repository", expand="EHR", flag="repository-file")
    ] = None
    password_file: Annotated[
        str | None, Key("file with the password", expand="EHR", flag="password-file")
    ] = None
    password_command: Annotated[
        Text | None, Key("command that prints the password", flag="password-command")
    ] = None
    key_hint: Annotated[str | None, Key("key to try first", flag="key-hint")] = None
    quiet: Annotated[bool, Key("no progress", flag="quiet")] = False
    verbose: Annotated[int, Key("0 to 3; also our own messages", flag="verbose")] = 0
    cache_dir: Annotated[str | None, Key("restic's cache", expand="EHR", flag="cache-dir")] = None
    cacert: Annotated[
        Paths, Key("certificates that restic trusts", expand="EHR", flag="cacert")
    ] = ()
    tls_client_cert: Annotated[
        str | None, Key("certificate that restic shows", expand="EHR", flag="tls-client-cert")
    ] = None
    initialize: Annotated[bool, Key("try `restic init` before each command")] = False
    lock: Annotated[
        str | None, Key("lock file: one run of this profile at a time", expand="EHR")
    ] = None
    force_inactive_lock: Annotated[
        bool, Key("take over the lock of a process that is gone; remove stale restic locks")
    ] = False
    env: Annotated[dict[str, Text], Key("environment of restic and of hooks")] = {}
    env_file: Annotated[Paths, Key("files with further variables", expand="EHR")] = ()
    run_before: Annotated[Lines, Key("shell lines before everything")] = ()
    run_after: Annotated[Lines, Key("shell lines after success")] = ()
    run_after_fail: Annotated[Lines, Key("shell lines after a failure")] = ()
    run_finally: Annotated[Lines, Key("shell lines at the end, whatever happened")] = ()
    on_error: Annotated[
        Lines, Key("shell lines after a failure; `{error}` and its like are quoted for the shell")
    ] = ()
    hook_timeout: Annotated[Duration | None, Key("time limit of each shell hook")] = None
    timeout: Annotated[
        Duration | None, Key("time limit of restic; it is interrupted, not killed")
    ] = None
    retry: Annotated[int, Key("further attempts after a failure that can heal")] = 0
    retry_wait: Annotated[Duration, Key("time between two attempts")] = Duration(60)
    stream_error: Annotated[
        tuple[StreamError, ...], Key("reactions to lines of restic's stderr")
    ] = ()
    status_file: Annotated[str | None, Key("JSON file with the last results")] = None
    prometheus_save_to_file: Annotated[str | None, Key("text file for node_exporter")] = None
    prometheus_push: Annotated[Secret | None, Key("URL of a Pushgateway")] = None
    prometheus_push_job: Annotated[
        str | None, Key("job name; `$command` is replaced (default: `<profile>.<command>`)")
    ] = None
    prometheus_push_format: Annotated[
        str, Key("what is sent", values=("text", "protobuf"), lenient=True)
    ] = "text"
    prometheus_labels: Annotated[dict[str, str], Key("further labels")] = {}
    systemd_drop_in_files: Annotated[
        Paths, Key("files that are copied next to the units", expand="EHR")
    ] = ()
    flags: dict[str, FlagValue] = {}
    sections: dict[str, Section] = {}
    monitors: dict[str, tuple[Monitor, ...]] = {}
    secrets: tuple[Secret, ...] = ()  # that became plain values of other fields

    @property
    def backup(self) -> Backup:
        """The `backup` section; an empty one when there is none."""
        section = self.sections.get("backup")
        return section if isinstance(section, Backup) else Backup()


class Group(Table):
    """Profiles that run one after the other."""

    name: str = ""
    place: Place = Place()
    description: Annotated[str, Key("one sentence for listings")] = ""
    profiles: Annotated[Lines, Key("names of the members, in order")] = ()
    continue_on_error: Annotated[
        bool | None, Key("go on after a failed member (default: `global.group-continue-on-error`)")
    ] = None
    parallel: Annotated[
        int, Key("members that may run at the same time, if their repositories differ")
    ] = 1
    schedules: Annotated[dict[str, Schedule], Key("schedules of the group, by command")] = {}
    monitors: dict[str, tuple[Monitor, ...]] = {}


class Global(Table):
    """`global`: what is the same for all profiles."""

    default_command: Annotated[str, Key("command when the command line has none")] = "snapshots"
    initialize: Annotated[bool, Key("try `restic init` before each command")] = False
    restic_binary: Annotated[str, Key("restic's path; found by itself without it")] = ""
    restic_version: Annotated[str, Key("restic's version; asked for without it")] = ""
    restic_arguments_filter: Annotated[
        bool, Key("leave out flags that this version of restic does not know")
    ] = True
    restic_lock_retry_after: Annotated[
        Duration, Key("time between two attempts on a locked repository, 15s to 30m; 0: none")
    ] = Duration(60)
    restic_stale_lock_age: Annotated[
        Duration, Key("age at which a lock of the repository is stale; 0: never")
    ] = Duration(3600)
    prevent_auto_repository_file: Annotated[
        bool | None, Key("do not hand over a repository with a password in a private file")
    ] = None
    shell: Annotated[Lines, Key("shells to try for hook lines", expand="E")] = ()
    priority: Annotated[
        str,
        Key(
            "CPU priority",
            values=("idle", "background", "low", "normal", "high", "highest", ""),
            lenient=True,
        ),
    ] = ""
    nice: Annotated[int, Key("CPU priority, -20 to 19, when `priority` is not set")] = 0
    ionice: Annotated[bool, Key("set the IO priority")] = False
    ionice_class: Annotated[int, Key("1 realtime, 2 best-effort, 3 idle")] = 2
    ionice_level: Annotated[int, Key("0 to 7")] = 0
    min_memory: Annotated[int, Key("free memory that a run needs, in MiB; 0: any")] = 100
    prevent_sleep: Annotated[bool, Key("keep the machine awake during a run")] = False
    scheduler: Annotated[
        str, Key("`systemd`, `crond[:program]`, `crontab:[user:]file`, or `auto`")
    ] = ""
    schedule_defaults: Annotated[Schedule | None, Key("defaults of every schedule")] = None
    systemd_unit_template: Annotated[str, Key("template of service units", expand="EHR")] = ""
    systemd_timer_template: Annotated[str, Key("template of timer units", expand="EHR")] = ""
    log: Annotated[str, Key("default log target", expand="EH")] = ""
    command_output: Annotated[str, Key(_OUTPUT)] = "auto"
    legacy_arguments: Annotated[
        bool, Key("accepted, without effect: no shell reads arguments here")
    ] = False
    send_timeout: Annotated[Duration, Key("time limit of each HTTP hook; 0: none")] = Duration(30)
    ca_certificates: Annotated[
        Paths,
        Key("PEM files that HTTP hooks and monitors trust besides the system's", expand="EHR"),
    ] = ()
    group_continue_on_error: Annotated[bool, Key("groups go on after a failed member")] = False
    strict: Annotated[bool, Key("unknown keys are errors at run time too")] = False
