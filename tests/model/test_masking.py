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
        ("TOKEN", "hunter2", "×××"),
        ("SSHPASS", "hunter2", "×××"),
        ("MYSQL_PASSWD", "hunter2", "×××"),
        ("AZURE_ACCOUNT_SAS", "hunter2", "×××"),
        ("PWD", "/home/me", "/home/me"),
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


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://h/x?text=a b&user=me", "https://h/x?text=×××&user=×××"),
        ("https://h/x?4f2a9c77&b", "https://h/x?×××&b"),
        ("https://h/x?correcthorsebatterystaple", "https://h/x?×××"),
        ("https://h/x?state=up&e=&create=1", "https://h/x?state=up&e=&create=1"),
        ("https://h/x?a=${ERROR}", "https://h/x?a=×××"),
    ],
)
def test_values_in_a_query_are_hidden_to_their_end(url, public) -> None:
    assert str(masking.url_secret(url)) == public


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://h/$A/x?a=${ERROR}&b=$B&c={{ .Env.X }}", None),
        ("https://h/x?a=${ERROR}&b=x${B}", "https://h/x?a=${ERROR}&b=×××"),
    ],
)
def test_variables_in_a_url_as_it_is_written_are_no_secrets(url, public) -> None:
    assert str(masking.written_url(url)) == (public or url)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://h/x?channel=backup&user=me", []),
        ("https://h/x?channel=backup&token=swordfish&n=a1", ["swordfish", "a1"]),
        ("https://me:swordfish@h/0123456789abcdef?x=backup", ["swordfish", "0123456789abcdef"]),
    ],
)
def test_ordinary_words_of_a_query_are_not_hidden_elsewhere(url, parts) -> None:
    assert masking.masked_parts(masking.url_secret(url)) == parts


@pytest.mark.parametrize(
    ("line", "public"),
    [
        ("curl -u me:hunter2 https://h/x", "curl -u me:××× https://h/x"),
        ("curl --user=me:hunter2 https://h/x", "curl --user=me:××× https://h/x"),
        ("docker run -u 1000:1000 image", "docker run -u 1000:1000 image"),
        ("mysqldump -u root -phunter2 db", "mysqldump -u root -p××× db"),
        ("mysqldump -p db", "mysqldump -p db"),
        ("sshpass -p hunter2 ssh h", "sshpass -p ××× ssh h"),
        ("mysqldump --password hunter2 db", "mysqldump --password ××× db"),
        ("gpg --passphrase 'hunter2 too' -c", "gpg --passphrase '×××' -c"),
        ("restic --insecure-no-password check", "restic --insecure-no-password check"),
        ("restic --password-command pass", "restic --password-command pass"),
        ("B2_ACCOUNT_KEY=hunter2 restic", "B2_ACCOUNT_KEY=××× restic"),
        ("export MYSQL_PWD='hunter2'; x", "export MYSQL_PWD='×××'; x"),
        ("SSHPASS=hunter2 sshpass -e", "SSHPASS=××× sshpass -e"),
        ("AZURE_ACCOUNT_SAS=$SAS x", "AZURE_ACCOUNT_SAS=$SAS x"),
        ('password="hunter2 and more" x', 'password="×××" x'),
        ('curl -d \'{"password": "hunter2"}\' h', 'curl -d \'{"password": "×××"}\' h'),
        ("curl -H 'Authorization: hunter2 x' h", "curl -H 'Authorization: ×××' h"),
        ("curl -H 'Authorization: Bearer $T' h", "curl -H 'Authorization: Bearer $T' h"),
        ("curl -H 'Cookie: a=hunter2; b=c' h", "curl -H 'Cookie: ×××' h"),
        ("AccountKey=hunter2;", "AccountKey=×××;"),
        ("wget https://hc-ping.com/8d6c1d1e-aaaa-bbbb", "wget https://hc-ping.com/×××"),
        (
            "git push https://ghp_0123456789abcdefghij@h/x",
            "git push https://×××@h/x",
        ),
        ("restic -r rest:https://me@host/x", "restic -r rest:https://me@host/x"),
    ],
)
def test_what_looks_secret_in_a_shell_line_is_hidden(line: str, public: str) -> None:
    assert masking.mask_text(line) == public


@pytest.mark.parametrize(
    "text",
    [
        "profiles.toml:3: home.password: unknown key; did you mean `password-file`?",
        "error: a.yaml:8: home.env.api_token: expected a single value, got a list",
        "open /home/me/passwords.kdbx: permission denied",
        "lstat /run/secrets: no such file or directory",
        "wrong password or no key found",
    ],
)
def test_messages_about_secrets_stay_as_they_are(text: str) -> None:
    assert masking.mask_text(text) == text


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("rest:https://me:pw@h/x", "rest:https://me:×××@h/x"),
        ("rest:https://me:p@w@h/x", "rest:https://me:×××@h/x"),
        ("rest:https://me:p/w@h/x", "rest:https://me:×××@h/x"),
        ("rest:https://h:8000/a@b/", "rest:https://h:8000/a@b/"),
        ("rest:https://h/a:b@c/", "rest:https://h/a:×××@c/"),
        ("sftp:me:pw@h:/x", "sftp:me:×××@h:/x"),
        ("http://a:p@h http://b:q@i/", "http://a:×××@h http://b:×××@i/"),
        ("no:thing", "no:thing"),
    ],
)
def test_passwords_end_at_the_last_sign(text: str, public: str) -> None:
    assert masking.mask_passwords(text) == public
    assert masking.repository_secret(text).public == public
