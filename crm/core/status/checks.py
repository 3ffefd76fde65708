"""Settings that work but are dangerous: reported at start, by `doctor` and by `check --deploy`. The settings module
itself refuses invalid values.
"""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Tags, Warning, register
from django.db import connection
from django.utils.translation import gettext as _

ROLE = """
    SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user),
           (SELECT pg_has_role(current_user, relowner, 'USAGE') FROM pg_class WHERE oid = to_regclass('core_outboxmail'))
"""
HERE = ("127.0.0.1", "localhost", "::1", None)


def dangers() -> Iterator[str]:
    """One sentence for each dangerous setting."""
    for variable, scheme in (("EMAIL_URL", "smtp"), ("MAIL_JOURNAL_URL", "imap")):
        parts = urlsplit(getattr(settings, variable))
        if parts.scheme == scheme and parts.password and parts.hostname not in HERE:
            safe = {"smtp": "smtp+tls:// or smtp+ssl://", "imap": "imaps://"}[scheme]
            words = _("%(variable)s sends the password to %(host)s in clear. Use %(safe)s.")
            yield words % {"variable": variable, "host": parts.hostname, "safe": safe}
    if not settings.IS_LOOPBACK and settings.BASE_URL.startswith("http://"):
        yield _("BASE_URL is http:// with a real host: passwords and client data travel in clear. Use https://.")


def role_dangers() -> Iterator[str]:
    """The same for the web's database role, as defined in the database."""
    with connection.cursor() as cursor:
        cursor.execute(ROLE)
        is_superuser, is_owner = cursor.fetchone()
    if is_superuser:
        yield _(
            "DATABASE_URL names a superuser of the database, who may do anything. Use a role that only works with rows."
        )
    elif is_owner:
        yield _(
            "DATABASE_URL names the owner of the tables, who may change history. Use a role of its own, see MIGRATE_URL."
        )


@register("security", deploy=True)
def dangerous_settings(app_configs, **kwargs) -> list[Warning]:
    return [Warning(text, id="core.W010") for text in dangers()]


@register(Tags.database, deploy=True)
def dangerous_role(app_configs, databases=None, **kwargs) -> list[Warning]:
    return [Warning(text, id="core.W011") for text in role_dangers()] if databases else []
