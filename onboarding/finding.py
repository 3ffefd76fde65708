"""Plans and templates as the search and the palette find them."""

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.gate import among_few
from crm.core.base.models import Folded
from crm.core.search.branches import WORD, Ask, Found, contains, found
from crm.core.search.sources import Hit
from onboarding.choices import PlanState
from onboarding.models import Plan, Template


def find_plans(ask: Ask) -> list[QuerySet]:
    """By their client; the latest first."""
    rows = Plan.objects.visible_to(ask.principal).kept()
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows
    rows = rows.filter(contains("client__search_key", ask.typed.words, ask.typed.shape.short))
    columns = {"at": F("kickoff_date"), "title": F("name"), "client": F("client__name"), "state": F("state")}
    return [found(rows, "plans", WORD, **columns).order_by("-kickoff_date", "-pk")[: ask.limit]]


def plan_hit(row: Found) -> Hit:
    return Hit(
        title=row.title,
        url=reverse("onboarding:plan", args=[row.pk]),
        kind=_("Onboarding plan"),
        icon="bar-chart-steps",
        detail=str(PlanState(row.state).label),
        client=row.client,
    )


def find_templates(ask: Ask) -> list[QuerySet]:
    rows = Template.objects.visible_to(ask.principal).kept().alias(folded=Folded(F("name")))
    rows = rows.filter(contains("folded", ask.typed.words))
    return [found(rows, "templates", WORD, title=F("name")).order_by("-pk")[: ask.limit]]


def template_hit(row: Found) -> Hit:
    return Hit(
        title=row.title, url=reverse("onboarding:template", args=[row.pk]), kind=_("Template"), icon="journal-text"
    )
