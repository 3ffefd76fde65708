"""Drafts of the composer, per user and client."""

from datetime import datetime

from django.http import QueryDict

from clients.records.models import Client
from crm.core.base.models import CUSTOM
from crm.core.base.principals import Principal
from crm.core.base.services import service
from crm.core.drafts.models import Draft
from crm.core.drafts.services import discard_draft, save_draft
from interactions import permissions
from interactions.log.choices import DRAFT_KIND

LISTS = ("contacts", "participants")
SKIPPED = ("csrfmiddlewaretoken", "untouched")
TEXTS = ("body", "subject", "decision", "next_title")


def _is_list(name: str) -> bool:
    """The firm's own fields too: one may have several values."""
    return name in LISTS or name.startswith(CUSTOM)


@service(may=permissions.may_log, why=permissions.IN_TRASH)
def keep_draft(principal: Principal, *, client: Client, data: QueryDict, now: datetime) -> Draft | None:
    """Save what is typed as the user's one draft for this client. Without any text the earlier draft is deleted (None).

    Raises ServiceError when it is too long."""
    if not any(data.get(name, "").strip() for name in TEXTS):
        discard_draft(principal, kind=DRAFT_KIND, client_id=client.pk)
        return None
    kept = {name: data.getlist(name)[:200] if _is_list(name) else data[name] for name in data if name not in SKIPPED}
    return save_draft(principal, kind=DRAFT_KIND, client_id=client.pk, data=kept, now=now)
