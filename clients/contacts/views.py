"""Contacts of all clients."""

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions, registry
from clients.contacts.choices import Purpose
from clients.contacts.fields import CONTACT_FIELDS
from clients.contacts.forms import ClientChoiceForm, ConsentForm, ContactForm, HeldForm, PlaceForm
from clients.contacts.models import Affiliation, Contact, HeldDetails
from clients.contacts.queries import country_of, held_words
from clients.contacts.services import (
    archive_contact,
    create_contact,
    keep_held_details,
    restore_contact,
    set_consent,
    update_contact,
    use_new_details,
)
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.fields.custom.entries import all_facts
from crm.core.ui.actions import Outcome, form_action
from crm.core.ui.htmx import back_to, go, posted


def load_contact(principal, contact_id):
    """The contact with addresses and the affiliations the user may see; 404 if unseen."""
    places = (
        Affiliation.objects.visible_to(principal)
        .select_related("client__facts")
        .order_by("left_date", "client__name_key")
    )
    rows = Contact.objects.visible_to(principal).prefetch_related(
        "emails", "phones", "consents", Prefetch("affiliations", places, to_attr="places")
    )
    contact = rows.filter(pk=contact_id).first()
    if contact is None or contact.is_archived:
        registry.lead_on(principal, Contact, contact_id, "contact_id")
    if contact is None:
        raise Http404
    contact.country = country_of(sorted(contact.places, key=lambda place: place.left_date is not None))
    return contact


def contact_action(request, form, act, *, beside=()):
    """`form_action` for a contact's form and those `beside` it. The button for more rows shows the page again without
    saving.
    """
    if form.wants_rows:
        form.add_rows()
        return Outcome()
    if request.method == "POST" and not all(other.is_valid() for other in beside):
        return Outcome(status=422)
    return form_action(request, form, act)


@require_GET
def show(request, contact_id):
    contact = load_contact(request.principal, contact_id)
    given = {consent.purpose: consent for consent in contact.consents.all()}
    defaults = {"service": True, "survey": True, "marketing": False}
    consents = [
        {
            "purpose": value,
            "label": label,
            "row": given.get(value),
            "is_given": given[value].is_given if value in given else defaults[value],
        }
        for value, label in Purpose.choices
    ]
    held = HeldDetails.objects.visible_to(request.principal).filter(affiliation__contact=contact)
    held = held.select_related("affiliation__client", "changed_by").order_by("affiliation__client__name_key")
    crumbs = [{"label": _("Contacts"), "url": reverse("clients:contacts")}, {"label": contact.name}]
    now = timezone.now()
    panels = [
        render_to_string(panel.template, {"contact": contact} | panel.context(request.principal, contact, now), request)
        for panel in registry.contact_panels
    ]
    return render(
        request,
        "clients/contacts/contact.html",
        {
            "contact": contact,
            "title": contact.name,
            "avatar": contact.name,
            "consents": consents,
            "facts": all_facts(request.principal, CONTACT_FIELDS, contact),
            "crumbs": crumbs,
            "panels": panels,
            "may_edit": not contact.is_archived,
            "held": [(row, held_words(row, contact)) for row in held],
        },
    )


@require_POST
def held(request, contact_id, held_id):
    """Decide whether a client uses the contact's changed details or keeps the earlier ones."""
    contact = load_contact(request.principal, contact_id)
    rows = HeldDetails.objects.visible_to(request.principal).select_related("affiliation__client")
    row = get_object_or_404(rows, pk=held_id, affiliation__contact=contact)
    form = HeldForm(request.POST)
    if form.is_valid() and form.cleaned_data["use"] == "new":
        use_new_details(request.principal, held=row)
        messages.success(request, _("%(client)s uses the new details") % {"client": row.affiliation.client.name})
    elif form.is_valid():
        keep_held_details(request.principal, held=row, now=timezone.now())
        messages.success(request, _("%(client)s keeps the earlier details") % {"client": row.affiliation.client.name})
    else:
        messages.error(request, _("Choose the new details or the earlier ones."))
    return go(request, contact.get_absolute_url())


@require_http_methods(["GET", "POST"])
def create(request):
    require(permissions.may_create(request.principal))
    form, place = ContactForm(posted(request)), PlaceForm(posted(request))
    form.add_custom(request.principal)
    client_form = ClientChoiceForm(
        posted(request), user=request.user, initial={"client": request.GET.get("client", "")}
    )

    def act():
        client = client_form.cleaned_data["client"]
        return create_contact(request.principal, client=client, **form.service_fields(), **place.cleaned_data)

    outcome = contact_action(request, form, act, beside=[place, client_form])
    if outcome.is_done:
        messages.success(request, _("%(name)s added") % {"name": outcome.result.name})
        return go(request, outcome.result.get_absolute_url())
    context = {"form": form, "place": place, "client_form": client_form}
    return render(request, "clients/contacts/new.html", context, status=outcome.status)


@require_http_methods(["GET", "POST"])
def edit(request, contact_id):
    contact = load_contact(request.principal, contact_id)
    require(permissions.may_change_contact(request.principal, contact), permissions.PERSON_IN_TRASH)
    form = ContactForm(posted(request), instance=contact)
    form.add_custom(request.principal)
    outcome = contact_action(
        request,
        form,
        lambda: update_contact(
            request.principal, contact=contact, seen_version=form.seen_version(), **form.service_fields()
        ),
    )
    if outcome.is_done:
        messages.success(request, _("Saved"))
        return go(request, contact.get_absolute_url())
    context = {"form": form, "contact": contact, "conflict": outcome.conflict}
    return render(request, "clients/contacts/edit.html", context, status=outcome.status)


@require_POST
def archive(request, contact_id):
    contact = load_contact(request.principal, contact_id)
    archive_contact(request.principal, contact=contact, now=timezone.now())
    undo = reverse("clients:restore_contact", kwargs={"contact_id": contact.pk})
    messages.success(request, _("%(name)s archived") % {"name": contact.name}, extra_tags=f"undo:{undo}")
    return go(request, back_to(request, reverse("clients:contacts")))


@require_POST
def restore(request, contact_id):
    contact = load_contact(request.principal, contact_id)
    try:
        contact = restore_contact(request.principal, contact=contact)
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("%(name)s restored") % {"name": contact.name})
    return go(request, back_to(request, contact.get_absolute_url()))


@require_POST
def consent(request, contact_id):
    contact = load_contact(request.principal, contact_id)
    form = ConsentForm(request.POST)
    outcome = form_action(
        request,
        form,
        lambda: set_consent(request.principal, contact=contact, now=timezone.now(), **form.cleaned_data),
    )
    if outcome.is_done:
        messages.success(request, _("Saved"))
    else:
        messages.error(request, _("Choose what this contact may be emailed about."))
    return go(request, contact.get_absolute_url())
