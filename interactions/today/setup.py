"""The first steps of a new firm, as a card on its admins' Today until all are done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.records.models import Client
from crm.core.base.registry import Registry
from crm.core.firm.queries import get_firm
from crm.core.users.models import Invitation, User

NEW_FOR = timedelta(days=60)


@dataclass(frozen=True)
class Step:
    """`is_done()` costs at most two small queries. `url_name` is where the step is taken."""

    key: str
    order: int
    label: Any
    text: Any
    url_name: str
    is_done: Callable[[], bool]


steps: Registry[Step] = Registry("step of the set-up")


def build(principal, now: datetime) -> dict[str, Any] | None:
    """{"steps": [{"label", "text", "url", "is_done"}], "done", "is_empty"}, or None. Shown only to admins of a firm
    that is less than two months old, has no demo data, and has not finished its set-up.
    """
    firm = get_firm()
    if not principal.is_admin or firm.has_demo_data or not firm.created_at or firm.created_at < now - NEW_FOR:
        return None
    rows = [
        {
            "key": step.key,
            "label": step.label,
            "text": step.text,
            "url": reverse(step.url_name),
            "is_done": step.is_done(),
        }
        for step in steps
    ]
    done = sum(row["is_done"] for row in rows)
    if done == len(rows):
        return None
    return {
        "steps": rows,
        "done": done,
        "is_empty": not next(row["is_done"] for row in rows if row["key"] == "clients"),
    }


def has_a_name() -> bool:
    firm = get_firm()
    return firm.is_set_up and firm.name != type(firm)._meta.get_field("name").get_default()


def has_colleagues() -> bool:
    return User.objects.active().count() > 1 or Invitation.objects.exists()


# The steps that need nothing of a higher app; onboarding adds its own.
for step in (
    Step(
        "firm",
        10,
        _("Name the firm"),
        _("Its name, time zone and currency"),
        "core:settings",
        has_a_name,
    ),
    Step(
        "days",
        20,
        _("Set the working days"),
        _("Choose a country, so that due dates skip its public holidays"),
        "core:days",
        lambda: bool(get_firm().holiday_country),
    ),
    Step(
        "email",
        30,
        _("Connect outgoing email"),
        _("Until EMAIL_URL is set on the server, emails stay in the Outbox and reach nobody"),
        "core:outbox",
        lambda: not settings.MAIL_IS_CAPTURED,
    ),
    Step("people", 40, _("Invite your colleagues"), _("They choose their own password"), "core:invite", has_colleagues),
    Step(
        "clients",
        50,
        _("Add your clients"),
        _("Import a file from your old system, or add the first by hand"),
        "core:imports",
        lambda: Client.objects.exists(),
    ),
):
    steps.register(step)
