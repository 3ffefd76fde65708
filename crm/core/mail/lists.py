"""The outbox and the list of suppressed addresses."""

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import F, Q
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy

from crm.core.base.dates import week_day
from crm.core.base.permissions import may_administer, may_see_outbox
from crm.core.firm.queries import firm_today
from crm.core.listing import filters
from crm.core.listing.counting import count_capped
from crm.core.listing.pages import Column, ListPage, View
from crm.core.listing.selection import Action, actions
from crm.core.mail import kinds, pages
from crm.core.mail.choices import MAIL_TO_DECIDE, MAIL_WAITING, MailState
from crm.core.mail.delivery.decisions import mark_arrived, release_mail, send_again
from crm.core.mail.forms import TONES, week_bounds, week_choices
from crm.core.mail.models import OutboxMail, Suppression

VIEWS = {
    "": _("All"),
    "waiting": _("Waiting"),
    "decide": _("Needs a decision"),
    "failed": _("Failed"),
    "late": _("Late"),
}


class WeekField(forms.RegexField):
    def __init__(self, **kwargs):
        super().__init__(r"^\d{4}-W\d{2}$", **kwargs)

    def clean(self, value):
        week = super().clean(value)
        try:
            if 1970 <= week_day(week, 0).year <= 2200:
                return week
        except ValueError:
            pass
        raise ValidationError(_("Unknown week."), code="invalid")


class Week(filters.Text):
    field_class = WeekField


def _weeks(found):
    return week_choices(firm_today(found.now), found.values.get("week", ""))


class OutboxFilters(filters.ListFilters):
    q = filters.Search(method="search", label=_("recipient or subject"))
    show = filters.Choice(choices=[pair for pair in VIEWS.items() if pair[0]], method="of_part", label=_("Which"))
    state = filters.Choice(choices=MailState.choices, label=_("State"), empty_label=_("Any state"))
    kind = filters.Choice(choices=kinds.choices, label=_("Kind"), empty_label=_("Any kind"))
    week = Week(method="in_week", label=_("Week"), offers=_weeks, any_label=_("Any week"))
    client = filters.Id("client_id", label=_("Client"))

    def __init__(self, data, **given):
        super().__init__(data, **given)
        if self.values.get("state") == MailState.UNCERTAIN and "show" not in self.values:  # URL of the banner
            self.values = {name: value for name, value in self.values.items() if name != "state"} | {"show": "decide"}

    def search(self, rows, name, value):
        named = Q(to_address__icontains=value) | Q(to_name__icontains=value)
        return rows.filter(named | Q(subject__icontains=value))

    def in_week(self, rows, name, value):
        start, end = week_bounds(value)
        return rows.filter(planned_for__gte=start, planned_for__lt=end)

    def of_part(self, rows, name, value):
        late = Q(sent_at__gt=F("deadline_at")) | Q(state__in=MAIL_WAITING, deadline_at__lt=self.now)
        parts = {
            "waiting": Q(state__in=MAIL_WAITING),
            "decide": Q(state__in=MAIL_TO_DECIDE),
            "failed": Q(state__in=[MailState.DEAD, MailState.EXPIRED]),
            "late": late,
        }
        return rows.filter(parts[value])


def _decorate(mails, listing):
    for mail in mails:
        mail.tone = "" if mail.is_kept_here else TONES.get(mail.state, "")
        mail.kind_text, mail.reason = kinds.label_of(mail.kind), _reason(mail)


def _reason(mail) -> str:
    """The reason for its state."""
    if mail.is_kept_here:
        return _now("Stored here: no mail server is set.")
    return mail.reply or (_now("Not sent before it expired.") if mail.state == MailState.EXPIRED else "")


def _undecided(listing):
    return count_capped(listing.declared.rows(listing.principal).filter(state__in=MAIL_TO_DECIDE))[0] or ""


def _decision(key, label, icon, decide, said, shown=("decide",)):
    return actions.register(
        Action(
            f"mails.{key}",
            label,
            OutboxMail,
            lambda principal, mail, values, now: decide(principal, mail=mail, now=now) and None,
            icon=icon,
            said=said,
            fits=lambda values: values.get("show") in shown,
        )
    )


OUTBOX = ListPage(
    url_name="core:outbox",
    title=_("Outbox"),
    template="core/mail/outbox.html",
    may=may_see_outbox,
    rows=lambda principal: OutboxMail.objects.visible_to(principal),
    select=lambda rows: rows.defer("text", "html", "headers", "links"),
    decorate=_decorate,
    filters=OutboxFilters,
    view_by=("show",),
    remembers=False,
    views=tuple(
        View(label, {"show": key} if key else {}, _undecided if key == "decide" else None)
        for key, label in VIEWS.items()
    ),
    bar=("state", "kind", "week"),
    search_label=_("Search by recipient or subject"),
    search_hint=_("Search"),
    sorts={"newest": "-planned_for"},
    columns=(
        Column("mail", _("Email"), lambda mail: mail.subject),
        Column("to", _("To"), lambda mail: mail.to_address),
        Column("kind", _("Kind"), lambda mail: str(mail.kind_text)),
        Column("state", _("State"), lambda mail: str(mail.state_text)),
        Column("when", _("When"), lambda mail: mail.sent_at or mail.next_attempt_at),
    ),
    noun=lambda n, text: ngettext("%(n)s email", "%(n)s emails", n) % {"n": text},
    file_name="outbox",
    words={"late": _("Late")},
    actions=(
        _decision(
            "arrived",
            _("Delivered"),
            "check2",
            mark_arrived,
            ngettext_lazy("%(n)d email marked as delivered", "%(n)d emails marked as delivered", "n"),
        ),
        _decision(
            "again",
            _("Send again"),
            "send",
            send_again,
            ngettext_lazy("%(n)d email will be sent again", "%(n)d emails will be sent again", "n"),
            shown=("decide", "failed"),
        ),
        _decision(
            "release",
            _("Send held ones"),
            "send",
            release_mail,
            ngettext_lazy("%(n)d held email will be sent", "%(n)d held emails will be sent", "n"),
        ),
    ),
    more=lambda listing: {
        "tabs": pages.tabs(listing.principal, "outbox"),
        "is_captured": settings.MAIL_IS_CAPTURED,
        "is_deciding": listing.values.get("show") == "decide",
    },
)


class SuppressionFilters(filters.ListFilters):
    q = filters.Search("address", "icontains", label=_("address"))


SUPPRESSIONS = ListPage(
    url_name="core:mail_stopped",
    title=_("Outbox"),
    template="core/mail/stopped.html",
    may=may_administer,
    rows=lambda principal: Suppression.objects.select_related("mail"),
    filters=SuppressionFilters,
    search_label=_("Search addresses"),
    search_hint=_("Search"),
    sorts={"newest": "-created_at"},
    columns=(
        Column("address", _("Address"), lambda row: row.address),
        Column("why", _("Why"), lambda row: row.get_reason_display()),
        Column("since", _("Since"), lambda row: row.created_at),
        Column("lift", _("Actions"), css="col-actions", is_quiet=True),
    ),
    noun=lambda n, text: ngettext("%(n)s address", "%(n)s addresses", n) % {"n": text},
    words={"lift": _("Resend email")},
    more=lambda listing: {"tabs": pages.tabs(listing.principal, "stopped")},
)
