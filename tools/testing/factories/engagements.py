"""Plain makers of engagements for tests; they go through the services, as everything does."""

from clients.engagements.services.records import open_engagement, restrict_engagement
from crm.core.base.principals import SYSTEM, acting
from tools.testing.factories.clients import NOW


def make_engagement(*, actor, client, title="Sale of the mill", now=NOW, is_restricted=False, **fields):
    made = open_engagement(acting(actor), client=client, title=title, now=now, **fields)
    return restrict_engagement(SYSTEM, engagement=made, now=now) if is_restricted else made
