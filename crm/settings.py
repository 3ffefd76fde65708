"""One settings file for every place Rapport runs. Everything comes from environment variables, listed in .env.example.

An invalid value stops the start with one sentence that names the variable and what is expected.
"""

import logging
import re
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from crm.core.base import logs

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def wrong(variable: str, expected: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{variable}: {expected}")


def url_setting(variable: str, schemes: tuple[str, ...], example: str, default: str | None = None) -> str:
    value = env.str(variable, default=default or "")
    if not value:
        raise wrong(variable, f"is not set; expected an address such as {example}")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018  reading it raises if it is invalid
    except ValueError as error:
        raise wrong(variable, f"cannot be read ({error}); expected for example {example}") from None
    if parts.scheme not in schemes:
        raise wrong(
            variable, f"starts with none of {', '.join(s + '://' for s in schemes)}; expected for example {example}"
        )
    return value


def number_setting(variable: str, default: int, *, below: int = 2**31) -> int:
    value = env.str(variable, default="").strip() or str(default)
    if not value.isdecimal() or not 0 < int(value) < below:
        raise wrong(variable, f"is {value!r}; expected a whole number above 0, such as {default}")
    return int(value)


def bool_setting(variable: str, default: bool) -> bool:
    value = env.str(variable, default="").strip().lower()
    if value in ("", "1", "true", "yes", "on", "0", "false", "no", "off"):
        return default if value == "" else value in ("1", "true", "yes", "on")
    raise wrong(variable, f"is {value!r}; expected true or false")


def seconds_setting(variable: str, default: int, *, at_most: int) -> int:
    value = env.str(variable, default=str(default)).strip()
    if not value.isdecimal() or not 0 < int(value) <= at_most:
        raise wrong(variable, f"is {value!r}; expected a whole number of seconds from 1 to {at_most}")
    return int(value)


def version_of(changelog: str) -> str:
    """The newest version in the change log: its first second-level heading."""
    return next(line.split()[1] for line in changelog.splitlines() if line.startswith("## "))


# Where things are
VERSION = version_of((BASE_DIR / "CHANGELOG.md").read_text())
TESTING = "pytest" in sys.modules
DATA_DIR = Path(env.str("RAPPORT_DATA_DIR", default=str(BASE_DIR / ".data"))).absolute()
DEBUG = bool_setting("DEBUG", False)
PORT = env.str("PORT", default="8000")
if not PORT.isdecimal() or not 0 < int(PORT) < 65536:
    raise wrong("PORT", f"is {PORT!r}; expected a number from 1 to 65535")
BASE_URL = url_setting("BASE_URL", ("http", "https"), "https://crm.example.com", f"http://127.0.0.1:{PORT}").rstrip("/")
_base = urlsplit(BASE_URL)
if not _base.hostname or _base.path:
    raise wrong(
        "BASE_URL", f"is {BASE_URL!r}; expected a scheme and a host without a path, such as https://crm.example.com"
    )
IS_LOOPBACK = _base.hostname in ("127.0.0.1", "localhost", "::1")
if DEBUG and not IS_LOOPBACK:
    raise wrong("DEBUG", "is on while BASE_URL names a real host; switch it off")

SECRET_KEY = env.str("SECRET_KEY", default="")
if len(SECRET_KEY) < 40 or len(set(SECRET_KEY)) < 5:
    raise wrong(
        "SECRET_KEY", "is missing or weak; expected at least 40 random characters (script/server makes one by itself)"
    )

if "*" in env.list("ALLOWED_HOSTS", default=[]):
    raise wrong("ALLOWED_HOSTS", "is *, which any request passes; expected the host names the web answers to")
ALLOWED_HOSTS = [*{_base.hostname, *env.list("ALLOWED_HOSTS", default=[])}]
if IS_LOOPBACK:
    ALLOWED_HOSTS += ["127.0.0.1", "localhost", "[::1]"]
CSRF_TRUSTED_ORIGINS = [BASE_URL]

# What runs
INSTALLED_APPS = [
    "crm",
    "crm.core",
    "clients",
    "interactions",
    "onboarding",
    "reports",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "crispy_forms",
    "csp",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "pghistory",
    "pgtrigger",
    "rest_framework",
    "template_partials",
]
MIDDLEWARE = [
    "crm.core.middleware.StackMiddleware",
    "crm.core.middleware.RequestIdMiddleware",
    "crm.core.middleware.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "crm.core.middleware.HealthMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "crm.core.middleware.LoginRequiredMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "crm.core.middleware.PrincipalMiddleware",
    "crm.core.middleware.UserZoneMiddleware",
    "crm.core.middleware.AuditMiddleware",
    "crm.core.middleware.ResponseMiddleware",
]
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "crm.core.context.shell",
            ],
            "builtins": [
                "crm.core.templatetags.ui",
                "crm.core.templatetags.addresses",
                "crispy_forms.templatetags.crispy_forms_tags",
            ],
        },
    }
]

# Database: one PostgreSQL is the truth
# The owner's commands use MIGRATE_URL instead of DATABASE_URL; it is read first, so that errors name it.
if env.str("MIGRATE_URL", default=""):
    url_setting("MIGRATE_URL", ("postgres", "postgresql"), "postgres://owner:password@host:5432/rapport")
DATABASE_URL = url_setting("DATABASE_URL", ("postgres", "postgresql"), "postgres://user:password@host:5432/rapport")
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if not DATABASES["default"]["NAME"]:
    raise wrong("DATABASE_URL", "names no database; expected for example postgres://user:password@host:5432/rapport")
# Otherwise two minutes if packets are lost.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
WEB_STATEMENT_TIMEOUT_MS = number_setting("WEB_STATEMENT_TIMEOUT_MS", 15000)
if bool_setting("RAPPORT_WEB", False):
    # in addition to the URL's options, such as sslmode
    _options = DATABASES["default"].setdefault("OPTIONS", {})
    _timeout = f"-c statement_timeout={WEB_STATEMENT_TIMEOUT_MS}"
    _options["options"] = f"{_options.get('options', '')} {_timeout}".strip()
APP_DATABASE_ROLE = env.str("RAPPORT_APP_ROLE", default="rapport_app")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PGHISTORY_INSTALL_CONTEXT_FUNC_ON_MIGRATE = True

# Redis: broker and cache, disposable
REDIS_URL = url_setting("REDIS_URL", ("redis", "rediss", "unix"), "redis://:password@host:6379/0")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "rapport",
        "OPTIONS": {"socket_connect_timeout": 3, "socket_timeout": 5},
    },
}
SESSION_ENGINE = "crm.core.people.sessions"

# Mail: nothing but the outbox opens an SMTP connection (crm/core/mail/delivery/)
MAIL_PROVIDERS = (
    "brevo",
    "mailersend",
    "mailgun",
    "mailjet",
    "mailtrap",
    "mandrill",
    "postmark",
    "resend",
    "sendgrid",
    "sparkpost",
)
EMAIL_URL = url_setting(
    "EMAIL_URL",
    ("capture", "smtp", "smtp+tls", "smtp+ssl", "smtps", *(f"anymail+{name}" for name in MAIL_PROVIDERS)),
    "smtp+tls://user:password@mail.example.com:587, anymail+postmark://KEY@provider, or capture:// (mail stays on this machine)",
    "capture://",
)
if urlsplit(EMAIL_URL).scheme.startswith("anymail+") and not urlsplit(EMAIL_URL).username:
    raise wrong("EMAIL_URL", "names no key; expected for example anymail+postmark://KEY@provider")
if urlsplit(EMAIL_URL).scheme != "capture" and not urlsplit(EMAIL_URL).hostname:
    raise wrong("EMAIL_URL", "names no mail server; expected for example smtp+tls://user:password@mail.example.com:587")
MAIL_IS_CAPTURED = urlsplit(EMAIL_URL).scheme == "capture"
# How long a mail server may take to connect, to answer, and to answer the final dot; how long a sender holds a mail before
# the fence. After the fence it holds it for the final answer and half a minute more.
MAIL_CONNECT_SECONDS = seconds_setting("MAIL_CONNECT_SECONDS", 15, at_most=120)
MAIL_ANSWER_SECONDS = seconds_setting("MAIL_ANSWER_SECONDS", 30, at_most=300)
MAIL_FINAL_SECONDS = seconds_setting("MAIL_FINAL_SECONDS", 120, at_most=600)
MAIL_LEASE_SECONDS = seconds_setting("MAIL_LEASE_SECONDS", 120, at_most=3600)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Rapport <rapport@localhost.localdomain>")
if not re.fullmatch(r"(?:[^<>\r\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)", DEFAULT_FROM_EMAIL):
    raise wrong("DEFAULT_FROM_EMAIL", f"is {DEFAULT_FROM_EMAIL!r}; expected for example Rapport <crm@example.com>")
EMAIL_BACKEND = "crm.core.mail.backend.OutboxBackend"
# Bounces and complaints: providers post them to /mail/events/<provider>/ with this name and password
MAIL_WEBHOOK_SECRET = env.str("MAIL_WEBHOOK_SECRET", default="")
_webhook_password = MAIL_WEBHOOK_SECRET.partition(":")[2]
if MAIL_WEBHOOK_SECRET and (len(_webhook_password) < 16 or len(set(_webhook_password)) < 8):
    raise wrong("MAIL_WEBHOOK_SECRET", "expected name:password with at least 16 random characters after the colon")
MAIL_WEBHOOK_SIGNING_KEY = env.str("MAIL_WEBHOOK_SIGNING_KEY", default="")
SIGNED_WEBHOOKS = ("MAILERSEND_SIGNING_SECRET", "MAILGUN_WEBHOOK_SIGNING_KEY", "MANDRILL_WEBHOOK_KEY")


def webhook_settings(secret: str, signing_key: str) -> dict[str, str]:
    """Settings for the library. Resend can also sign, which needs another package; name and password are enough."""
    return {"WEBHOOK_SECRET": secret} | (dict.fromkeys(SIGNED_WEBHOOKS, signing_key) if signing_key else {})


ANYMAIL = webhook_settings(MAIL_WEBHOOK_SECRET, MAIL_WEBHOOK_SIGNING_KEY)
MAIL_MAX_ATTACHMENT_BYTES = 20 * 1024 * 1024

# The journal: a mailbox that gets a second copy in the same transaction, and where it can be looked into
MAIL_JOURNAL = env.str("MAIL_JOURNAL", default="").strip()
MAIL_JOURNAL_URL = env.str("MAIL_JOURNAL_URL", default="").strip()
MAIL_JOURNAL_GRACE_SECONDS = seconds_setting("MAIL_JOURNAL_GRACE_SECONDS", 600, at_most=7 * 24 * 3600)
if bool(MAIL_JOURNAL) != bool(MAIL_JOURNAL_URL):
    raise wrong("MAIL_JOURNAL", "goes with MAIL_JOURNAL_URL: the address of the copies and the mailbox they arrive in")
if MAIL_JOURNAL and ("@" not in MAIL_JOURNAL.strip("@") or any(c.isspace() for c in MAIL_JOURNAL)):
    raise wrong("MAIL_JOURNAL", f"is {MAIL_JOURNAL!r}; expected an address such as journal@example.com")
if MAIL_JOURNAL_URL and not (
    (urlsplit(MAIL_JOURNAL_URL).scheme == "maildir" and urlsplit(MAIL_JOURNAL_URL).path.startswith("/"))
    or (urlsplit(MAIL_JOURNAL_URL).scheme in ("imap", "imaps") and urlsplit(MAIL_JOURNAL_URL).hostname)
):
    raise wrong("MAIL_JOURNAL_URL", "expected imaps://user:password@host/folder or maildir:///var/mail/journal")

# People
AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["crm.core.people.passwords.Backend"]
# the second reads what was stored before 0.3; a login stores it again by the first
PASSWORD_HASHERS = ["crm.core.people.passwords.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_PATH = "/accounts/"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "crm.core.people.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "crm.core.people.account_forms.ChangePasswordForm",
    "set_password": "crm.core.people.account_forms.SetPasswordForm",
    "reset_password_from_key": "crm.core.people.account_forms.ResetPasswordKeyForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_USER_DISPLAY = "crm.core.people.adapters.user_display"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "crm.core.people.services.passwords.ResetTokens"
ACCOUNT_DEFAULT_HTTP_PROTOCOL = _base.scheme
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "crm.core.ui.views.faults.expired"

# Safety on the wire
_https = _base.scheme == "https"
BEHIND_PROXY = bool_setting("BEHIND_PROXY", True) and _https
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = _https
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz|metrics)$"]  # requested by internal machines, past the proxy
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-src": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
FILES_DIR = DATA_DIR / "files"
DOCUMENT_MAX_BYTES = number_setting("DOCUMENT_MAX_BYTES", 25 * 1024 * 1024)
ARCHIVE_MAX_BYTES = number_setting("ARCHIVE_MAX_BYTES", 2 * 1024**3, below=2**50)
# The virus scanner (crm/core/files/scanning.py); without one nothing is scanned
CLAMD_URL = env.str("CLAMD_URL", default="").strip()
if CLAMD_URL:
    _clamd = urlsplit(
        url_setting("CLAMD_URL", ("unix", "tcp"), "unix:/run/clamav/clamd.ctl or tcp://clamd.example.com:3310")
    )
    if not (_clamd.path.startswith("/") if _clamd.scheme == "unix" else _clamd.hostname and _clamd.port):
        raise wrong("CLAMD_URL", "expected unix:/run/clamav/clamd.ctl or tcp://clamd.example.com:3310")


def files_storage(url: str) -> dict[str, object]:
    """Where files lie: in the data folder, or in the bucket of an address s3://key:secret@bucket/prefix?region=…&endpoint=…"""
    if not url:
        options = {"location": FILES_DIR, "file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
        return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    if not parts.hostname or query.keys() - {"region", "endpoint"} or bool(parts.username) != bool(parts.password):
        raise wrong("FILES_URL", "expected s3://KEY:SECRET@bucket/prefix?region=…&endpoint=https://… and nothing else")
    if find_spec("boto3") is None:
        raise wrong("FILES_URL", "needs the package boto3; install it with script/setup --s3")
    prefix = parts.path.strip("/")
    options = {"bucket": parts.netloc.rpartition("@")[2], "prefix": f"{prefix}/" if prefix else "", **query}
    if parts.username and parts.password:
        options |= {"key": unquote(parts.username), "secret": unquote(parts.password)}
    return {"BACKEND": "crm.core.files.s3.Storage", "OPTIONS": options}


FILES_URL = env.str("FILES_URL", default="").strip()
if FILES_URL:
    url_setting("FILES_URL", ("s3",), "s3://KEY:SECRET@bucket?region=eu-north-1")
# What keeps a copy from sending mail, see crm/core/mail/services/instance.py. The launcher says whether the database lies in the folder.
INSTALLATION_FILE = DATA_DIR / "installation.json"
OWN_DATABASE = bool_setting("RAPPORT_OWN_DATABASE", False)
IMPORT_MAX_BYTES = number_setting("IMPORT_MAX_BYTES", 50 * 1024 * 1024)
IMPORT_MAX_ROWS = number_setting("IMPORT_MAX_ROWS", 250_000)
IMPORT_MAX_COLUMNS = number_setting("IMPORT_MAX_COLUMNS", 300)

# Words, dates, money
LANGUAGE_CODE = "en-gb"
# The languages of emails to clients, each with a catalogue in locale/ (docs/developers/languages.md). The interface is
# always in LANGUAGE_CODE.
LANGUAGES = [
    ("en-gb", "English"),
    ("de", "Deutsch"),
    ("es", "Español"),
    ("fi", "Suomi"),
    ("fr", "Français"),
    ("nl", "Nederlands"),
    ("sv", "Svenska"),
]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
USE_THOUSAND_SEPARATOR = (
    False  # else {{ row.pk }} becomes “1,234” in ids, values and addresses; the filters number and money group digits
)
FORMAT_MODULE_PATH = ["crm.formats"]

# Files the browser loads
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": files_storage(FILES_URL),
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if TESTING or DEBUG
        else "crm.core.ui.static_files.Storage"
    },
}
WHITENOISE_USE_FINDERS = TESTING or DEBUG
WHITENOISE_AUTOREFRESH = TESTING or DEBUG  # static files are not collected then; every test client would rescan them
WHITENOISE_MAX_AGE = 60
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("jpg", "jpeg", "png", "gif", "webp", "zip", "gz", "br", "woff", "woff2", "map")
FORM_RENDERER = "crm.core.ui.forms.Renderer"
CRISPY_ALLOWED_TEMPLATE_PACKS = ("rapport",)
CRISPY_TEMPLATE_PACK = "rapport"
CRISPY_FAIL_SILENTLY = False

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.core.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "crm.core.api.pagination.CursorPagination",
    "PAGE_SIZE": 50,
    "DEFAULT_FILTER_BACKENDS": ["crm.core.listing.filters.ListFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "crm.core.api.schema.Schema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.core.api.parsers.JSONParser"],
    "EXCEPTION_HANDLER": "crm.core.api.errors.handle",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Rapport API",
    "DESCRIPTION": "Clients, interactions, onboarding and the numbers, under the same gate as the pages.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "FollowUpStateEnum": "interactions.follow_ups.choices.FollowUpState",
        "CommitmentStateEnum": "interactions.agreements.choices.CommitmentState",
        "ProgressStateEnum": "interactions.progress.choices.ProgressState",
        "PlanStateEnum": "onboarding.choices.PlanState",
        "TaskStateEnum": "onboarding.choices.TaskState",
        "VersionStateEnum": "onboarding.choices.VersionState",
        "LeavingReasonEnum": "clients.records.choices.LeavingReason",
        "StatusEnum": "clients.records.choices.Status",
        "InvoiceStatusEnum": "clients.invoices.choices.InvoiceStatus",
        "EngagementStateEnum": "clients.engagements.choices.EngagementState",
        "LostReasonEnum": "clients.opportunities.choices.LostReason",
    },
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "crm.core.api.schema.describe_errors"],
}

# Celery: wake-ups only; what is due is a row in Postgres
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"

# Logs: one line an event, structured, to stderr
LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()
if LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR"):
    raise wrong("LOG_LEVEL", f"is {LOG_LEVEL!r}; expected DEBUG, INFO, WARNING or ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {"mask": {"()": "crm.core.base.logs.MaskSecrets"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["mask"]}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django": {"handlers": [], "level": "NOTSET", "propagate": True}, "urllib3": {"level": "WARNING"}},
}
logs.configure()
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # a request is one line at INFO, when answered
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
# auth.W004: e-mail is unique by a constraint on Lower(email). The others concern HTTPS, which a loopback address has not.
SILENCED_SYSTEM_CHECKS = ["auth.W004"] + (
    ["security.W004", "security.W008", "security.W012", "security.W016"] if IS_LOOPBACK else []
)
