"""Plans and templates as the search and the palette find them."""

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils.translation import gettext as _

from clients.gate import among_few
from crm.core.base.models import Folded
from crm.core.search.branches import WORD, Ask, Found, contains, found, together
from crm.core.search.sources import Hit
from onboarding.choices import PlanState
from onboarding.models import Plan, Template


def find_plans(ask: Ask) -> list[QuerySet]:
    """By the client, or by the name of the plan; the latest first."""
    rows = Plan.objects.visible_to(ask.principal).kept()
    rows = rows.filter(among_few(ask.principal)) if ask.is_few else rows
    named = Q(*(Q(name_up__contains=Upper(Value(word))) for word in ask.typed.words))
    of_client = contains("client__search_key", ask.typed.words, ask.typed.shape.short)
    each = [rows.filter(of_client), rows.alias(name_up=Upper("name")).filter(named).exclude(of_client)]
    return [together([_made(chosen).order_by("-kickoff_date", "-pk")[: ask.limit] for chosen in each], ask.limit)]


def _made(rows: QuerySet) -> QuerySet:
    columns = {"at": F("kickoff_date"), "title": F("name"), "client": F("client__name"), "state": F("state")}
    return found(rows, "plans", WORD, **columns)


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
