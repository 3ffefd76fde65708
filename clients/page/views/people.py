"""Contacts of one client."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients.contacts.forms import ContactForm, LinkForm, PlaceForm
from clients.contacts.models import Affiliation
from clients.contacts.queries import people_of, with_addresses
from clients.contacts.services import affiliate, create_contact, end_affiliation
from clients.contacts.views import contact_action
from clients.page.header import client_frame
from clients.page.queries import load_client, load_open_client
from crm.core.firm.queries import firm_today
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, posted


@require_GET
def people(request, client_id):
    client = load_client(request.principal, client_id)
    former = Affiliation.objects.filter(client=client, left_date__isnull=False, contact__archived_at=None).order_by(
        "-left_date", "pk"
    )
    context = client_frame(request, client, "people", now=timezone.now())
    context |= {"people": people_of(client), "former": with_addresses(former)}
    return render(request, "clients/page/people.html", context)


@require_http_methods(["GET", "POST"])
def add(request, client_id):
    client = load_open_client(request.principal, client_id)
    first = not client.affiliations.exists()
    form = ContactForm(posted(request), initial={"is_primary": first})
    form.add_custom(request.principal)
    place = PlaceForm(posted(request), initial={"is_primary": first})
    outcome = contact_action(
        request,
        form,
        lambda: create_contact(request.principal, client=client, **form.service_fields(), **place.cleaned_data),
        beside=[place],
    )
    if outcome.is_done:
        messages.success(request, _("%(name)s added") % {"name": form.name})
        return go(request, "clients:people", client.pk)
    return _add_page(request, client, form, place, LinkForm(user=request.user), outcome)


@require_POST
def link(request, client_id):
    """Affiliate an existing contact with this client."""
    client = load_open_client(request.principal, client_id)
    form = LinkForm(request.POST, user=request.user)
    outcome = form_action(
        request, form, lambda: affiliate(request.principal, client=client, left_date=None, **form.cleaned_data)
    )
    if outcome.is_done:
        messages.success(request, _("%(name)s linked") % {"name": form.cleaned_data["contact"].name})
        return go(request, "clients:people", client.pk)
    contact_form = ContactForm()
    contact_form.add_custom(request.principal)
    return _add_page(request, client, contact_form, PlaceForm(), form, outcome)


def _add_page(request, client, form, place, link, outcome):
    context = client_frame(request, client, "people", now=timezone.now())
    context |= {"form": form, "place": place, "link": link}
    return render(request, "clients/page/person_add.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def place(request, client_id, affiliation_id):
    """Change a contact's affiliation with the client."""
    client = load_open_client(request.principal, client_id)
    row = _affiliation(client, affiliation_id)
    initial = {name: getattr(row, name) for name in ("version", *PlaceForm.base_fields)}
    form = PlaceForm(posted(request), initial=initial, with_left=True)
    outcome = form_action(
        request,
        form,
        lambda: affiliate(
            request.principal,
            client=client,
            contact=row.contact,
            seen_version=form.seen_version(),
            **form.cleaned_data,
        ),
    )
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, "clients:people", client.pk)
    context = client_frame(request, client, "people", now=timezone.now())
    context |= {"form": form, "row": row, "conflict": outcome.conflict}
    return render(request, "clients/page/place.html", context, status=outcome.status)


@require_POST
def leave(request, client_id, affiliation_id):
    """The contact left the client today."""
    client = load_client(request.principal, client_id)
    row = _affiliation(client, affiliation_id)
    end_affiliation(request.principal, affiliation=row, left_date=firm_today(timezone.now()))
    undo = reverse("clients:come_back", kwargs={"client_id": client.pk, "affiliation_id": row.pk})
    messages.success(request, _("%(name)s left the company") % {"name": row.contact.name}, extra_tags=f"undo:{undo}")
    return go(request, "clients:people", client.pk)


@require_POST
def come_back(request, client_id, affiliation_id):
    client = load_client(request.principal, client_id)
    row = _affiliation(client, affiliation_id)
    affiliate(request.principal, client=client, contact=row.contact, left_date=None)
    messages.success(request, _("%(name)s returned") % {"name": row.contact.name})
    return go(request, "clients:people", client.pk)


def _affiliation(client, affiliation_id):
    rows = Affiliation.objects.filter(client=client).select_related("contact", "client")
    return get_object_or_404(rows, pk=affiliation_id)
