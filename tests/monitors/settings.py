"""Settings of every service for the tests: plain ones, and nearly all that there are."""

from __future__ import annotations

from resticprof.model.types import Secret
from resticprof.monitors.apprise import Apprise, AppriseMessage, AppriseService
from resticprof.monitors.cronhub import Cronhub
from resticprof.monitors.cronitor import Cronitor
from resticprof.monitors.healthchecks import Healthchecks
from resticprof.monitors.loki import Loki
from resticprof.monitors.ntfy import Ntfy, NtfyAction, NtfyMessage
from resticprof.monitors.pagerduty import PagerDuty, PagerDutyLink
from resticprof.monitors.pushover import Pushover, PushoverMessage
from resticprof.monitors.sentry import Sentry, SentryMonitorConfig
from resticprof.monitors.uptime_kuma import UptimeKuma
from resticprof.monitors.watchgoose import Watchgoose
from resticprof.monitors.zabbix import Zabbix, ZabbixItem, ZabbixValue

UUID = "addffa72-da17-40ae-be9c-ff591afb942a"
ALL = ("start", "finish", "fail")
WITH_LOG = (*ALL, "log")

LOKI = "http://localhost:3100/loki/api/v1/push"
ZABBIX = "https://zabbix.lan/api_jsonrpc.php"
SERVICES = (
    AppriseService(url=Secret("gotify://hostname/token"), label="gotify"),
    AppriseService(url=Secret("mastodons://access_key@hostname/@user"), label="mastodon"),
)

PLAIN = {
    "apprise": Apprise(services=SERVICES, states=WITH_LOG, send_logs=False),
    "cronhub": Cronhub(url=Secret("https://cronhub.io/start/1f5e3410-254c-11e8-b61d-55875966d031")),
    "cronitor": Cronitor(url=Secret("https://cronitor.link/d3x0c1"), metrics=False, message=False),
    "healthchecks": Healthchecks(
        url=Secret(f"https://hc-ping.com/{UUID}"), states=WITH_LOG, send_logs=False, run_id=False
    ),
    "loki": Loki(
        url=LOKI, labels={"app": "resticprof"}, send_logs=False, metadata=False, gzip=False
    ),
    "ntfy": Ntfy(topic="my-unique-topic", states=ALL),
    "pagerduty": PagerDuty(
        integration_key=Secret("a177cad45bd374409f78906a810a3074"), auto_resolve=False
    ),
    "pushover": Pushover(token=Secret("APP-TOKEN"), user=Secret("USER-KEY"), states=ALL),
    "sentry": Sentry(
        dsn=Secret("https://5f80ec@o1.ingest.sentry.io/203069"),
        monitor_slug="home",
        duration=False,
    ),
    "uptime-kuma": UptimeKuma(
        url=Secret("https://kuma.my-domain.com/api/push/abcd1234"), message=False, ping=False
    ),
    "watchgoose": Watchgoose(
        url=Secret(f"https://watchgoose.com/{UUID}"), states=WITH_LOG, run_id=False
    ),
    "zabbix": Zabbix(
        url=ZABBIX, itemid=55105, username="myuser", password=Secret("secret"), states=ALL
    ),
}

FULL = {
    "apprise": Apprise(
        api_url="https://apprise.lan",
        api_key=Secret("STORED-KEY"),
        tag="ops",
        states=(*WITH_LOG, "warn"),
        fail=AppriseMessage(title="Ping!", body="${PROFILE_NAME} failed"),
        warn=AppriseMessage(body="${WARNING_COUNT} warnings"),
    ),
    "cronhub": Cronhub(url=Secret("https://user:pass@cronhub.io/ping/1f5e3410?a=b")),
    "cronitor": Cronitor(
        url=Secret("https://cronitor.link/p/API-KEY/backup-home?state=run&x=1"),
        environment="production",
    ),
    "healthchecks": Healthchecks(
        url=Secret("https://hc.lan/ping/ping-key/home?x=1"),
        states=WITH_LOG,
        create_slug=True,
        exit_status=True,
    ),
    "loki": Loki(
        url=LOKI,
        labels={"app": "resticprof", "config": "__config", "host": "__hostname"},
        tenant="me",
        username="1234",
        password=Secret("glc_token"),
    ),
    "ntfy": Ntfy(
        topic=Secret("hidden-topic"),
        url="https://ntfy.my-domain.com",
        access_token=Secret("tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"),
        states=ALL,
        start=NtfyMessage(
            title="A backup started", message="Watch this space...", tags=("a,b ,",), priority="min"
        ),
        finish=NtfyMessage(title="Done"),
        warn=NtfyMessage(message="${WARNING_COUNT} items missing", priority="high"),
        fail=NtfyMessage(
            title="${PROFILE_NAME} ${PROFILE_COMMAND} failed on ${HOSTNAME}",
            message="${SUMMARY}",
            tags=("-1", "skull"),
            priority="max",
            click="https://grafana.lan/d/${PROFILE_NAME}",
            icon="https://example.org/icon.png",
            markdown=True,
            email="me@example.org",
            delay="10min",
            actions=(NtfyAction(label="Open", url="https://nas.lan"),),
        ),
        sequence=True,
        send_logs=True,
    ),
    "pagerduty": PagerDuty(
        integration_key=Secret("a177cad45bd374409f78906a810a3074"),
        api_url="https://events.eu.pagerduty.com/v2/enqueue",
        send_logs=True,
        severity="critical",
        group="nas",
        component="restic",
        links=(PagerDutyLink(href="https://wiki.lan", text="what to do"),),
    ),
    "pushover": Pushover(
        token=Secret("APP-TOKEN"),
        user=Secret("USER-KEY"),
        states=ALL,
        start=PushoverMessage(priority=-2, ttl=3600),
        finish=PushoverMessage(title="OK", html=True, sound="magic", device="phone"),
        fail=PushoverMessage(
            message="${SUMMARY}",
            priority=2,
            retry=60,
            expire=3600,
            monospace=True,
            url="https://nas.lan/${PROFILE_NAME}",
            url_title="Log",
        ),
    ),
    "sentry": Sentry(
        dsn=Secret("https://5f80ec:old@sentry.lan/prefix/203069"),
        monitor_slug="home",
        environment="staging",
        monitor_config=SentryMonitorConfig(
            schedule_crontab="0 4 * * *",
            timezone="Europe/Paris",
            checkin_margin=60,
            max_runtime=120,
            failure_issue_threshold=1,
            recovery_threshold=1,
        ),
    ),
    "uptime-kuma": UptimeKuma(
        url=Secret("https://kuma.my-domain.com/api/push/abcd1234?status=up&msg=OK&ping=")
    ),
    "watchgoose": Watchgoose(url=Secret(f"{UUID}"), send_logs=True),
    "zabbix": Zabbix(
        url=ZABBIX,
        host="borg-server",
        key="borg.status",
        api_key=Secret("b2ecba64"),
        start=ZabbixValue(value="STARTED"),
        finish=ZabbixValue(value="OK"),
        warn=ZabbixValue(value=1),
        fail=ZabbixValue(value="ERROR on ${HOSTNAME}"),
        items=(
            ZabbixItem(key="restic.duration", value="${DURATION_SECONDS}"),
            ZabbixItem(itemid=7, value="${DATA_ADDED}"),
            ZabbixItem(host="other", key="restic.exit", value="${ERROR_EXIT_CODE}"),
        ),
        states=ALL,
    ),
}
