"""The boards of the client list: by status, tier, account manager, and the firm's own choices."""

from datetime import date
from typing import Any

from django import forms
from django.db.models import Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext_lazy

from clients.listing.actions import EDIT
from clients.records.choices import LeavingReason, Status
from clients.records.fields import CLIENT_FIELDS
from clients.records.forms import StatusForm
from clients.records.models import Client, StatusPeriod
from clients.records.services.statuses import Span, change_status, replace_periods, spans_of
from crm.core.base.errors import ServiceError
from crm.core.bulk.boards import field_board
from crm.core.firm.queries import firm_today
from crm.core.listing.boards import Board
from crm.core.listing.moving import MoveForm
from crm.core.listing.selection import CHANGED_SINCE, Action, actions, outside_trash
from crm.core.ui.forms import DateInput, Layout, Row, When
from crm.core.users.models import User


class StatusMoveForm(MoveForm):
    """What a change of status needs."""

    layout = Layout("to", Row("start_date"), When("to=former", "reason"), "note")

    start_date = forms.DateField(label=_lazy("From"), widget=DateInput(), localize=False)
    reason = forms.ChoiceField(
        label=_lazy("Reason for leaving"), required=False, choices=[("", _lazy("Choose")), *LeavingReason.choices]
    )
    note = forms.CharField(
        label=_lazy("Reason in their words"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, initial: dict[str, Any], **kwargs: Any):
        today = firm_today(timezone.now())
        super().__init__(*args, initial={"start_date": today} | initial, **kwargs)


class ManyStatusForm(StatusForm):
    """The status of many clients."""

    def __init__(self, data: Any = None):
        super().__init__(data, initial={"start_date": firm_today(timezone.now())})

    def clean(self):
        data = super().clean() or self.cleaned_data
        if data.get("status") == Status.FORMER and not data.get("reason"):
            self.add_error("reason", _("Say why the client left."))
        return data


def _change_status(principal: Any, client: Client, values: dict[str, Any], now: Any) -> list[list[Any]]:
    """The periods before and after, for undo."""
    seen = client.seen_version  # type: ignore[attr-defined]
    client = Client.objects.select_for_update().get(pk=client.pk)
    if seen is not None and seen != _versions(Client.objects.filter(pk=client.pk)).get(client.pk):
        raise ServiceError(_("its status has changed since"), field="to")
    if client.facts.status == values["status"]:
        raise ServiceError(_("already has this status"), field="to")
    before = _kept(client)
    change_status(principal, client=client, today=firm_today(now), **values)
    return [before, _kept(client)]


def _kept(client: Client) -> list[list[Any]]:
    return [
        [s.start.isoformat(), s.end and s.end.isoformat(), s.status, s.reason, s.note, s.is_start_unknown]
        for s in spans_of(client)
    ]


def _change_back(principal: Any, client: Client, before: list[list[Any]], now: Any) -> None:
    was, became = before
    client = Client.objects.select_for_update().get(pk=client.pk)
    if _kept(client) != became:
        raise ServiceError(str(CHANGED_SINCE))
    spans = [
        Span(date.fromisoformat(start), end and date.fromisoformat(end), status, reason, note, None, unknown)
        for start, end, status, reason, note, unknown in was
    ]
    replace_periods(principal, client=client, spans=spans, today=firm_today(now))


def _events() -> Any:
    return StatusPeriod.pgh_event_models["insert"].objects.all()  # type: ignore[attr-defined]


def _versions(clients: QuerySet) -> dict[int, int]:
    """The last change of each client's periods: the version of a client does not count them."""
    rows = _events().filter(client__in=clients.order_by().values("pk")).order_by()
    return dict(rows.values_list("client").annotate(Max("pgh_id")))


def _who(client: Client) -> str:
    """Who changed the status last; "" for the system."""
    events = _events().filter(client=client.pk)
    last = events.order_by("-pgh_id").select_related("pgh_context").first()
    user = (last.pgh_context.metadata or {}).get("user") if last is not None and last.pgh_context else None
    return str(User.objects.filter(pk=user).values_list("name", flat=True).first() or "") if user else ""


STATUS = actions.register(
    Action(
        "clients.status",
        _lazy("Change status"),
        Client,
        _change_status,
        _change_back,
        "flag",
        ManyStatusForm,
        words=lambda values: str(dict(Status.choices).get(values.get("status", ""), "")),
        said=ngettext_lazy("Status of %(n)d client changed", "Status of %(n)d clients changed", "n"),
        fits=outside_trash,
        versions=_versions,
    )
)
BOARDS = (
    Board(
        group=CLIENT_FIELDS["status"].in_groups(),
        action=STATUS,
        values=lambda to, given, now: given | {"status": to},
        form=StatusMoveForm,
        who=_who,
    ),
    field_board(EDIT, CLIENT_FIELDS["tier"]),
    field_board(EDIT, CLIENT_FIELDS["owner"]),
)
