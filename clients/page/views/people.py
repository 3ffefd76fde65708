"""People of one client."""

from django.contrib import messages
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.contacts.forms import ContactForm, LinkForm, PlaceForm
from clients.contacts.models import Affiliation, Contact
from clients.contacts.queries import people_of, with_addresses
from clients.contacts.services import affiliate, create_contact, end_affiliation
from clients.page.header import client_frame
from clients.page.queries import load_client
from clients.records import queries
from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.permissions import require
from crm.core.firm.queries import firm_today
from crm.core.ui.htmx import go

IN_TRASH = "This client is in the trash. Restore it first."


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
    client = load_client(request.principal, client_id)
    require(permissions.may_edit(request.principal, client), _(IN_TRASH))
    first = not client.affiliations.exists()
    form = ContactForm(request.POST or None, initial={"is_primary": first})
    place = PlaceForm(request.POST or None, initial={"is_primary": first})
    if request.method == "POST" and form.wants_rows:
        form.add_rows()
    elif request.method == "POST" and all([form.is_valid(), place.is_valid()]):
        try:
            create_contact(request.principal, client=client, **form.service_fields(), **place.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("%(name)s added") % {"name": form.name})
            return go(request, "clients:people", client.pk)
    context = client_frame(request, client, "people", now=timezone.now()) | {
        "form": form,
        "place": place,
        "link": LinkForm(user=request.user),
    }
    failed = request.method == "POST" and not form.wants_rows
    return render(request, "clients/page/person_add.html", context, status=422 if failed else 200)


@require_POST
def link(request, client_id):
    """Give an existing person a place at this client."""
    client = load_client(request.principal, client_id)
    require(permissions.may_edit(request.principal, client), _(IN_TRASH))
    form = LinkForm(request.POST, user=request.user)
    if form.is_valid():
        place = {name: value for name, value in form.cleaned_data.items() if name != "contact"}
        affiliate(request.principal, client=client, contact=form.cleaned_data["contact"], left_date=None, **place)
        messages.success(request, _("%(name)s linked") % {"name": form.cleaned_data["contact"].name})
        return go(request, "clients:people", client.pk)
    context = client_frame(request, client, "people", now=timezone.now())
    context |= {"form": ContactForm(), "place": PlaceForm(), "link": form}
    return render(request, "clients/page/person_add.html", context, status=422)


@require_http_methods(["GET", "POST"])
def place(request, client_id, affiliation_id):
    """Change a person's place at the client."""
    client = load_client(request.principal, client_id)
    row = get_object_or_404(Affiliation.objects.filter(client=client).select_related("contact"), pk=affiliation_id)
    require(permissions.may_edit(request.principal, client), _(IN_TRASH))
    form = PlaceForm(
        request.POST or None, initial={name: getattr(row, name) for name in PlaceForm.base_fields}, with_left=True
    )
    if request.method == "POST" and form.is_valid():
        try:
            affiliate(
                request.principal,
                client=client,
                contact=row.contact,
                seen_version=form.seen_version(),
                **form.cleaned_data,
            )
        except StaleWrite as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("Saved"))
            return go(request, "clients:people", client.pk)
    context = client_frame(request, client, "people", now=timezone.now()) | {"form": form, "row": row}
    return render(request, "clients/page/place.html", context, status=422 if form.is_bound else 200)


@require_POST
def leave(request, client_id, affiliation_id):
    """The person left the client today."""
    client = load_client(request.principal, client_id)
    row = get_object_or_404(
        Affiliation.objects.filter(client=client).select_related("contact", "client"), pk=affiliation_id
    )
    require(permissions.may_edit(request.principal, client), _(IN_TRASH))
    end_affiliation(request.principal, affiliation=row, left_date=firm_today(timezone.now()))
    undo = reverse("clients:come_back", kwargs={"client_id": client.pk, "affiliation_id": row.pk})
    messages.success(request, _("%(name)s has left") % {"name": row.contact.name}, extra_tags=f"undo:{undo}")
    return go(request, "clients:people", client.pk)


@require_POST
def come_back(request, client_id, affiliation_id):
    client = load_client(request.principal, client_id)
    row = get_object_or_404(Affiliation.objects.filter(client=client).select_related("contact"), pk=affiliation_id)
    require(permissions.may_edit(request.principal, client), _(IN_TRASH))
    affiliate(request.principal, client=client, contact=row.contact, left_date=None)
    messages.success(request, _("%(name)s is back") % {"name": row.contact.name})
    return go(request, "clients:people", client.pk)


@require_GET
def options(request):
    """People for a combobox."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    rows = queries.matching(Contact.objects.visible_to(request.principal).kept(), text)
    found = rows.order_by("name_key", "pk").prefetch_related("emails")[:20]
    return JsonResponse(
        {
            "results": [
                {"value": row.pk, "text": row.name, "sub": next((m.address for m in row.emails.all()), "")}
                for row in found
            ]
        }
    )


people.nav_key = add.nav_key = place.nav_key = link.nav_key = "clients"
