"""The settings, and the app that holds the migration linter's command."""

from crm import settings
from crm.settings import *  # noqa: F403

INSTALLED_APPS = [*settings.INSTALLED_APPS, "django_migration_linter"]
MIGRATION_LINTER_OPTIONS = {
    "include_apps": ["core", "clients", "interactions", "onboarding", "reports", "portal"],
    # an upgrade stops the old code first: a column may go, and a small table may get another unique constraint
    "ignore_name": [
        "0003_next_step_title_read_from_its_follow_up",
        "0004_actors_of_drafts_files_notifications",
    ],
}
