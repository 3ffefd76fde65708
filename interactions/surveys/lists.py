"""Survey answers and invitations: their lists, and those of one client."""

from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.cover.queries import covered_owners
from clients.records import nps
from clients.records.models import Client
from crm.core.importing import kinds
from crm.core.listing import filters
from crm.core.listing.pages import Column, ListPage, View
from interactions import permissions
from interactions.surveys import queries
from interactions.surveys.choices import InvitationSource, InvitationState, SurveyKind
from interactions.surveys.models import Survey, SurveyInvitation, SurveyResponse


class AnswerFilters(filters.ListFilters):
    band = filters.Choice(
        choices=list(nps.LABELS.items()), method="in_band", label=_("Band"), empty_label=_("All answers")
    )
    since = filters.Since("answered_at", label=_("From"))
    until = filters.Until("answered_at", label=_("To"))
    commented = filters.Yes(method="with_words", label=_("With a comment"))
    client = filters.Id("client", label=_("Client"), named=Client)
    survey = filters.Id("survey", label=_("Survey"), named=Survey)
    score = filters.Number("score", label=_("Score"))

    def in_band(self, rows, name, value):
        return rows.filter(nps.in_band(value), survey__kind=SurveyKind.NPS)

    def with_words(self, rows, name, value: bool):
        return rows.exclude(comment="") if value else rows


ANSWERS = ListPage(
    url_name="interactions:surveys",
    title=_("Surveys"),
    template="interactions/surveys/list.html",
    rows=lambda principal: SurveyResponse.objects.visible_to(principal).kept().filter(client__archived_at=None),
    select=lambda rows: rows.select_related("survey", "client", "contact"),
    filters=AnswerFilters,
    bar=("band", "since", "until", "commented"),
    sorts={"newest": "-answered_at"},
    columns=(
        Column("client", _("Client"), lambda row: row.client.name),
        Column("contact", _("Contact"), lambda row: row.contact.name if row.contact else "", is_in_file_only=True),
        Column("score", _("Score"), lambda row: row.score, css="num"),
        Column("words", _("Comment"), lambda row: row.comment),
        Column("answered", _("Answered"), lambda row: row.answered_at),
    ),
    size=50,
    file_name="survey-answers",
    more=lambda listing: {
        "tabs": queries.tabs("answers"),
        "may_import": kinds.get("survey-responses").may_import(listing.principal),
        "may_send": permissions.may_send_surveys(listing.principal),
    },
)


class InvitationFilters(filters.ListFilters):
    show = filters.Choice("state", choices=InvitationState.choices, label=_("State"))
    client = filters.Id("client", label=_("Client"), named=Client)
    contact = filters.Id("contact", label=_("Contact"), named=Contact)
    survey = filters.Id("survey", label=_("Survey"), named=Survey)
    state = filters.Choice(choices=InvitationState.choices, label=_("State"))
    source = filters.Choice(choices=InvitationSource.choices, label=_("How"))


def _invitations(principal):
    return SurveyInvitation.objects.visible_to(principal).filter(client__archived_at=None)


def _first_state(principal):
    """The first part that has any."""
    order = (InvitationState.PLANNED, InvitationState.SENT, InvitationState.ANSWERED)
    found = _invitations(principal).filter(state__in=order).order_by().values_list("state", flat=True).distinct()
    return next((state for state in order if state in set(found)), InvitationState.SENT)


def _decorate(rows, listing):
    covered = covered_owners(listing.principal)
    for row in rows:
        row.client.is_covered = row.client.owner_id in covered
        queries.decorate(row).may_ask = permissions.may_ask(listing.principal, row.client)


def _count(state):
    return lambda listing: listing.memo(queries.counts_of, listing.principal)[state]


INVITATIONS = ListPage(
    url_name="interactions:survey-invitations",
    title=_("Sent surveys"),
    template="interactions/surveys/invitations.html",
    rows=queries.invitations,
    decorate=_decorate,
    filters=InvitationFilters,
    defaults=lambda principal: {"show": _first_state},
    remembers=False,
    view_by=("show",),
    views=tuple(View(label, {"show": state}, _count(state)) for state, label in InvitationState.choices),
    sorts={"newest": "-send_at", "next": "send_at"},
    default_sort=lambda values: "next" if values.get("show") == InvitationState.PLANNED else "newest",
    columns=(
        Column("person", _("Person"), lambda row: row.contact.name),
        Column("client", _("Client"), lambda row: row.client.name, is_in_file_only=True),
        Column("state", _("State"), lambda row: row.get_state_display()),
        Column("address", _("Address"), lambda row: row.address),
        Column("how", _("How"), lambda row: row.get_source_display()),
        Column("decide", _("Decide"), is_quiet=True),
    ),
    size=50,
    is_counted=False,
    file_name="survey-invitations",
    words={"skip": _("Skip"), "back": _("Restore")},
    more=lambda listing: {
        "tabs": queries.tabs("asked"),
        "cells": queries.cells(listing.memo(queries.counts_of, listing.principal)),
        "show": listing.values["show"],
        "may_send": permissions.may_send_surveys(listing.principal),
    },
)


def of_client(principal, client) -> list[SurveyResponse]:
    rows = SurveyResponse.objects.visible_to(principal).kept().filter(client=client)
    return list(rows.select_related("survey", "contact", "entered_by").order_by("-answered_at", "-id")[:200])
