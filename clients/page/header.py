"""What every page of a client shares: header, metric strip, tabs. Other apps build their tabs on it (template
clients/page/frame.html).
"""

from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clients import permissions, registry
from clients.records import nps
from clients.records.choices import Channel
from clients.records.models import Client
from clients.records.queries import add_next_steps
from crm.core.base.dates import local_date, wall_time
from crm.core.firm.queries import firm_today, get_firm


def client_frame(request, client: Client, tab: str, *, now: datetime) -> dict[str, Any]:
    """Context for `clients/page/frame.html`. `client` comes from `load_client` (or has facts, owner and team)."""
    may_edit = permissions.may_edit(request.principal, client)
    add_next_steps(request.principal, [client])
    return {
        "client": client,
        "now": now,
        "tab": tab,
        "tabs": _tabs(request.principal, client, tab),
        "avatar": client.name,
        "crumbs": [{"label": _("Clients"), "url": reverse("clients:list")}, {"label": client.name}],
        "local_time": wall_time(now, client.time_zone) if client.time_zone else None,
        "facts": client.facts,
        "cadence": cadence_note(client, now),
        "last_contact_words": _days_ago(client.facts.days_since_contact(firm_today(now))),
        "channel_words": dict(Channel.choices).get(
            client.facts.last_contact_channel, client.facts.last_contact_channel.capitalize()
        ),
        "nps_band": nps_band(client.facts.nps_score),
        "strip": render_panels(request, client, "strip", now=now),
        "may_edit": may_edit,
        "may_restrict": permissions.may_restrict(request.principal, client),
    }


def _tabs(principal, client, current):
    return [
        {
            "label": tab.label,
            "url": reverse(tab.url_name, kwargs={"client_id": client.pk}),
            "count": tab.count(principal, client) if tab.count else None,
            "current": tab.key == current,
        }
        for tab in registry.tabs
    ]


def render_panels(request, client: Client, slot: str, *, now: datetime) -> list[str]:
    """The rendered panels of a slot; empty ones are left out, and a late one is a link to itself."""
    pieces = []
    for panel in (panel for panel in registry.panels.shown(request.principal) if panel.slot == slot):
        if panel.is_late:
            pieces.append(render_to_string("clients/page/late_panel.html", {"client": client, "panel": panel}))
        elif piece := render_panel(request, client, panel, now=now):
            pieces.append(piece)
    return pieces


def render_panel(request, client: Client, panel: registry.Panel, *, now: datetime) -> str:
    """The rendered panel; "" if it has nothing to show."""
    context = panel.context(request.principal, client, now)
    if context is None:
        return ""
    given = {"client": client, "now": now, "user": request.user}
    given["may_edit"] = permissions.may_edit(request.principal, client)
    return render_to_string(panel.template, given | context, request)


def cadence_note(client: Client, now: datetime) -> dict[str, Any]:
    """{"text", "is_late"}: the cadence, shown beside the last contact."""
    facts = client.facts
    since = local_date(facts.last_contact_at, get_firm().time_zone) if facts.last_contact_at else facts.active_since
    since = since or facts.status_since
    if facts.contact_due_at is None or since is None:
        return {"text": "", "is_late": False}
    days = (facts.contact_due_at - since).days
    text = _("target: every %(days)d days") % {"days": days}
    if client.tier:
        text = _("target: every %(days)d days (tier %(tier)s)") % {"days": days, "tier": client.tier}
    return {"text": text, "is_late": facts.is_quiet(firm_today(now))}


def _days_ago(days: int | None) -> str:
    if days is None:
        return ""
    if days <= 0:
        return _("Today")
    return ngettext("%(n)d day ago", "%(n)d days ago", days) % {"n": days}


def nps_band(score: int | None) -> str:
    """Promoter, passive or detractor; "" without an answer."""
    if score is None:
        return ""
    return str(nps.NAMES[nps.band_of(score)])
