"""The list of engagements."""

from functools import partial

from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from clients import permissions
from clients.engagements.choices import EngagementState
from clients.engagements.fields import ENGAGEMENT_FIELDS
from clients.engagements.models import Engagement
from clients.engagements.queries import decorate, engagements_of
from clients.engagements.services.records import (
    archive_engagement,
    move_engagement,
    restore_engagement,
    update_engagement,
)
from clients.engagements.words import MANY, ONE, Said, in_words, many, one
from clients.records.queries import matching
from crm.core.bulk.boards import field_board
from crm.core.bulk.editing import bulk_edit
from crm.core.listing import filters
from crm.core.listing.boards import Board
from crm.core.listing.pages import Column, ListPage, View
from crm.core.listing.paging import Sort
from crm.core.listing.selection import Action, actions, hand_over, outside_trash, trash_actions
from crm.core.ui.formatting import in_sentence

SHOWN = [("current", _("Current")), ("closed", _("Closed")), ("all", _("All"))]


class EngagementFilters(filters.TrashFilters):
    catalogue = ENGAGEMENT_FIELDS
    q = filters.Search(method="search", label=_("number and title"))
    show = filters.Choice(choices=SHOWN, method="of_part", label=_("Which"))
    mine = filters.Yes(
        method="only_mine",
        label=_("Mine"),
        help_text=_("I lead them, or I am on the team"),
        chip=_("Only"),
        said=lambda value, principal: _("mine"),
    )
    restricted = filters.Yes(
        "is_restricted", label=_("Restricted"), chip=_("Only"), said=lambda value, principal: _("restricted")
    )

    def search(self, rows, name, value):
        return matching(rows, value)

    def of_part(self, rows, name, value):
        if value == "closed":
            return rows.filter(state=EngagementState.CLOSED)
        return rows.exclude(state=EngagementState.CLOSED) if value == "current" else rows

    def only_mine(self, rows, name, value: bool):
        user = self.principal.user
        if not value or user is None:
            return rows
        seats = user.engagement_seats.values("engagement_id")
        return rows.filter(Q(lead=user) | Q(pk__in=seats))


def _give(principal, row, now, lead):
    update_engagement(principal, engagement=row, seen_version=row.seen_version, lead=lead)


def _write(principal, row, *, seen_version, now, **fields):
    return update_engagement(principal, engagement=row, seen_version=seen_version, **fields)


EDIT = bulk_edit("engagements.edit", ENGAGEMENT_FIELDS, _write, but=("title", "number", "client"))
ACTIONS = (
    EDIT,
    hand_over("engagements.reassign", _("Change lead"), Engagement, _give, _("Lead"), "lead", fits=outside_trash),
    *trash_actions("engagements", Engagement, "engagement", archive_engagement, restore_engagement),
)


def _noun(n: int, text: str) -> str:
    return ngettext("%(n)s %(one)s", "%(n)s %(many)s", n) % {
        "n": text,
        "one": in_sentence(one()),
        "many": in_sentence(many()),
    }


def _more(listing):
    return {
        "may_create": permissions.may_create(listing.principal),
        "new_words": in_words(_("New %(one)s")),
        "none_words": in_words(_("No %(many)s yet")),
        "about_words": in_words(
            _("%(Many)s are pieces of work for clients, each with a number, a lead, a team and a budget.")
        ),
    }


def _move(principal, row, values, now):
    move_engagement(principal, engagement=row, state=values["state"], now=now, seen_version=row.seen_version)


MOVE = actions.register(Action("engagements.move", _("Change state"), Engagement, _move))
ENGAGEMENTS = ListPage(
    url_name="clients:engagements",
    title=MANY,
    template="clients/engagements/list.html",
    rows=engagements_of,
    select=lambda rows: rows.select_related("client", "lead", "kind"),
    decorate=lambda rows, listing: decorate(rows),
    filters=EngagementFilters,
    segments=("show",),
    defaults=lambda principal: {"show": "current"},
    panel=("lead", "kind", "state", "opened_from", "opened_before", "mine", "restricted", "archived"),
    view_by=("show", "mine", "lead", "state", "archived"),
    search_label=Said(_("Search %(many)s")),
    search_hint=_("Number or title"),
    sorts={"newest": Sort("created_at", descending=True)},
    views=(
        View(_("All current"), {}),
        View(_("Mine"), {"mine": "1"}),
        View(_("Intake"), {"state": EngagementState.INTAKE}),
        View(_("Archived"), {"archived": "1", "show": "all"}),
    ),
    columns=(
        ENGAGEMENT_FIELDS["title"].in_list(ONE),
        ENGAGEMENT_FIELDS["number"].in_list(),
        ENGAGEMENT_FIELDS["client"].in_list(),
        ENGAGEMENT_FIELDS["kind"].in_list(css="phone-hide"),
        ENGAGEMENT_FIELDS["state"].in_list(),
        ENGAGEMENT_FIELDS["lead"].in_list(css="col-owner phone-hide"),
        Column(
            "budget",
            ENGAGEMENT_FIELDS["budget"].label,
            lambda row: row.budget,
            css="num",
            loads=("budget", "currency"),
        ),
        ENGAGEMENT_FIELDS["currency"].in_list(is_in_file_only=True),
        ENGAGEMENT_FIELDS["opened_date"].in_list(first="desc"),
        ENGAGEMENT_FIELDS["closed_date"].in_list(is_in_file_only=True),
        ENGAGEMENT_FIELDS["description"].in_list(is_in_file_only=True),
    ),
    fields=ENGAGEMENT_FIELDS,
    groups=tuple(ENGAGEMENT_FIELDS[name].in_groups() for name in ("kind", "lead", "state")),
    boards=(
        Board(group=ENGAGEMENT_FIELDS["state"].in_groups(), action=MOVE, values=lambda to, given, now: {"state": to}),
        field_board(EDIT, ENGAGEMENT_FIELDS["lead"]),
    ),
    custom_board=partial(field_board, EDIT),
    card_columns=("client", "number", "lead"),
    noun=_noun,
    more=_more,
    actions=ACTIONS,
    file_name="engagements",
)
