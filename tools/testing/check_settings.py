"""The settings, and the app that holds the migration linter's command."""

from collections.abc import Iterator
from pathlib import Path

from crm import settings
from crm.settings import *  # noqa: F403


def replaced() -> Iterator[str]:
    """Migrations before a squashed one: they were looked at when they were new, and do not change any more."""
    for squashed in Path(settings.BASE_DIR).glob("[!.]*/**/migrations/0001_squashed_*.py"):
        last = squashed.stem.removeprefix("0001_squashed_")
        yield from (path.stem for path in squashed.parent.glob("0*.py") if path != squashed and path.stem <= last)


REVIEWED = {  # what the linter cannot know, and why it is safe
    "0020_what_emails_tell_of",  # a longer varchar, which changes no row and takes no time
    "0029_contract_number",  # unique over a column that is new: no row has a value, and the version before writes none
}
INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_migration_linter"]
MIGRATION_LINTER_OPTIONS = {
    "include_apps": ["core", "clients", "interactions", "onboarding", "reports", "portal"],
    "ignore_name": sorted({*replaced(), *REVIEWED}),
}
