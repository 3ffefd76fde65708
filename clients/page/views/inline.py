"""One field of a client, edited in place on its page. Without JavaScript the same link leads to the full form."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from clients import permissions
from clients.page.header import client_frame
from clients.page.queries import load_client, load_open_client
from clients.records.fields import CLIENT_FIELDS
from clients.records.forms import FactForm
from clients.records.services.clients import update_client
from crm.core.base.permissions import require
from crm.core.fields.catalogue import Fact
from crm.core.fields.custom.entries import load_custom
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import is_fragment


@require_http_methods(["GET", "POST"])
def change(request, client_id, name):
    """GET: the field (with `as=value`: its value again, for Cancel). POST: saves it, or says why not."""
    client = load_open_client(request.principal, client_id)
    if name not in CLIENT_FIELDS.inline:
        raise Http404
    if request.method == "POST":
        return _save(request, client, name)
    if not is_fragment(request):
        return redirect("clients:edit", client_id=client.pk)
    if request.GET.get("as") == "value":
        may_restrict = permissions.may_restrict(request.principal, client)
        return _answer(request, client, name, may_edit=True, may_restrict=may_restrict, is_cancelled=True)
    if name == "owner":
        require(permissions.may_reassign(request.principal, client), permissions.HAND_ON)
    form = FactForm(user=request.user, instance=client, name=name)
    if name not in form.fields:  # it names a row out of sight
        raise Http404
    return _answer(request, client, name, form=form, bound=form[name], version=client.version)


def _save(request, client, name):
    form = FactForm(request.POST, user=request.user, instance=client, name=name)
    if name not in form.fields:
        raise Http404
    version = form.seen_version()
    outcome = form_action(
        request,
        form,
        lambda: update_client(request.principal, client=client, seen_version=version, **form.service_fields()),
    )
    if outcome.is_done and not is_fragment(request):
        return redirect(client.get_absolute_url())
    if outcome.is_done:
        client = load_client(request.principal, client.pk)
        frame = client_frame(request, client, "timeline", now=timezone.now())
        return _answer(request, client, name, is_saved=True, **frame)
    if outcome.conflict:
        version = outcome.conflict.version
        form.add_error(name, _("Someone else changed this client. Save again to keep your changes."))
    return _answer(request, client, name, status=outcome.status, form=form, bound=form[name], version=version)


def _answer(request, fact_client, name, *, status=200, **context):
    if name in CLIENT_FIELDS.custom:
        load_custom(request.principal, CLIENT_FIELDS, [fact_client])
    return render(
        request,
        "clients/page/fact.html",
        {"client": fact_client, "fact": Fact.of(CLIENT_FIELDS[name], fact_client), **context},
        status=status,
    )
