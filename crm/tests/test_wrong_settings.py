"""A wrong setting stops the start and says which one it is and what is expected."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GOOD = {
    "DATABASE_URL": "postgres://user:password@127.0.0.1:5432/rapport",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "SECRET_KEY": "k3J9-qLw8Zr2Tn5Vx7By0Cd4Ef6Gh1Mp-sUaIoXeY",
    "BASE_URL": "https://crm.example.com",
}
WRONG = [
    ("DATABASE_URL", "", "not set"),
    ("DATABASE_URL", "mysql://host/db", "postgres://"),
    ("MIGRATE_URL", "mysql://host/db", "postgres://"),
    ("REDIS_URL", "", "redis://"),
    ("REDIS_URL", "http://host", "redis://"),
    ("SECRET_KEY", "", "40 random characters"),
    ("SECRET_KEY", "short", "40 random characters"),
    ("SECRET_KEY", "a" * 50, "40 random characters"),
    ("BASE_URL", "crm.example.com", "https://crm.example.com"),
    ("BASE_URL", "https://crm.example.com/rapport", "without a path"),
    ("DEBUG", "true", "BASE_URL names a real host"),
    ("DEBUG", "perhaps", "expected true or false"),
    ("PORT", "http", "1 to 65535"),
    ("PORT", "70000", "1 to 65535"),
    ("EMAIL_URL", "sendgrid://key", "smtp://"),
    ("EMAIL_URL", "smtp://", "no mail server"),
    ("LOG_LEVEL", "loud", "DEBUG, INFO"),
    ("ALLOWED_HOSTS", "*", "host names"),
    ("ALLOWED_HOSTS", "crm.internal,*", "host names"),
    ("MAIL_WEBHOOK_SECRET", "a-very-long-name-of-a-user:short", "16 random characters"),
    ("MAIL_WEBHOOK_SECRET", "user:aaaaaaaaaaaaaaaaaaaaaaaa", "16 random characters"),
    ("DATABASE_URL", "postgres://user:password@host:port/rapport", "postgres://"),
    ("DATABASE_URL", "postgres://user:pass[word@host/rapport", "postgres://"),
    ("DATABASE_URL", "postgres://user:password@host:5432", "names no database"),
    ("REDIS_URL", "redis://host:port/0", "redis://"),
    ("EMAIL_URL", "smtp://host:port", "smtp+tls://"),
    ("BASE_URL", "https://crm.example.com:port", "https://crm.example.com"),
    ("BASE_URL", "http://crm.example.com:99999", "https://crm.example.com"),
    ("WEB_STATEMENT_TIMEOUT_MS", "soon", "a whole number"),
    ("IMPORT_MAX_BYTES", "50 MB", "a whole number"),
    ("IMPORT_MAX_ROWS", "-1", "a whole number"),
    ("IMPORT_MAX_COLUMNS", "0", "a whole number"),
    ("DOCUMENT_MAX_BYTES", "25 MB", "a whole number"),
    ("ARCHIVE_MAX_BYTES", "2 GB", "a whole number"),
    ("CLAMD_URL", "clamd.example.com:3310", "unix://, tcp://"),
    ("CLAMD_URL", "tcp://clamd.example.com", "tcp://clamd.example.com:3310"),
    ("CLAMD_URL", "unix:clamd.ctl", "unix:/run/clamav/clamd.ctl"),
    ("FILES_URL", "https://bucket", "s3://"),
    ("FILES_URL", "s3://KEY@bucket", "s3://KEY:SECRET@bucket"),
    ("FILES_URL", "s3://bucket?regoin=eu", "and nothing else"),
    ("BEHIND_PROXY", "perhaps", "expected true or false"),
    ("DEFAULT_FROM_EMAIL", "the firm", "Rapport <crm@example.com>"),
    ("DEFAULT_FROM_EMAIL", "Firm <crm@example.com>\nBcc: x@y.example", "Rapport <crm@example.com>"),
]


def start(code="import crm.settings", **changes):
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=inherited | GOOD | changes,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_good_settings_start():
    assert start().returncode == 0, start().stderr


@pytest.mark.parametrize(("variable", "value", "expected"), WRONG)
def test_a_wrong_setting_is_named(variable, value, expected):
    answer = start(**{variable: value})
    said = answer.stderr.strip().splitlines()[-1]
    assert answer.returncode != 0
    assert f"{variable}: " in said and expected in said


def test_the_web_keeps_the_options_of_the_database_address():
    """A statement timeout that took the place of `sslmode` would send passwords in the open."""
    url = GOOD["DATABASE_URL"] + "?sslmode=verify-full&options=-c%20search_path%3Drapport"
    code = "import crm.settings as s; print(s.DATABASES['default']['OPTIONS'])"
    answer = start(code, DATABASE_URL=url, RAPPORT_WEB="1")
    assert "'sslmode': 'verify-full'" in answer.stdout, answer.stderr
    assert "-c search_path=rapport -c statement_timeout=15000" in answer.stdout
