"""What the whole firm shares: services and tags. Everybody reads them, managers and admins keep them."""

from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.catalogue.forms import ServiceForm, TagForm
from clients.catalogue.models import Service, Tag
from clients.catalogue.services import (
    archive_service,
    create_service,
    create_tag,
    delete_tag,
    restore_service,
    update_service,
    update_tag,
)
from clients.gate import visible_q
from crm.core.base.errors import ServiceError, StaleWrite, add_to_form
from crm.core.base.permissions import require
from crm.core.ui.htmx import go


@require_GET
def service_list(request):
    archived = request.GET.get("archived") == "1"
    rows = Service.objects.filter(archived_at__isnull=not archived)
    return render(
        request,
        "clients/catalogue/services.html",
        {"services": rows, "archived": archived, "may_manage": permissions.may_manage_catalogue(request.principal)},
    )


@require_http_methods(["GET", "POST"])
def service_create(request):
    require(permissions.may_manage_catalogue(request.principal))
    form = ServiceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            create_service(request.principal, **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("%(name)s added") % {"name": form.cleaned_data["name"]})
            return go(request, "clients:services")
    return _form(request, form, _("New service"), "clients:services")


@require_http_methods(["GET", "POST"])
def service_edit(request, service_id):
    require(permissions.may_manage_catalogue(request.principal))
    service = get_object_or_404(Service, pk=service_id)
    form = ServiceForm(request.POST or None, instance=service)
    if request.method == "POST" and form.is_valid():
        try:
            update_service(request.principal, service=service, seen_version=form.seen_version(), **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
            stale = isinstance(error, StaleWrite)
            version = error.current.version if stale else service.version
            return _form(request, form, service.name, "clients:services", version=version, status=409 if stale else 422)
        messages.success(request, _("Saved"))
        return go(request, "clients:services")
    return _form(request, form, service.name, "clients:services", version=service.version)


@require_POST
def service_archive(request, service_id):
    require(permissions.may_manage_catalogue(request.principal))
    service = get_object_or_404(Service, pk=service_id)
    archive_service(request.principal, service=service, now=timezone.now())
    undo = reverse("clients:service_restore", kwargs={"service_id": service.pk})
    messages.success(request, _("%(name)s is no longer offered") % {"name": service.name}, extra_tags=f"undo:{undo}")
    return go(request, "clients:services")


@require_POST
def service_restore(request, service_id):
    require(permissions.may_manage_catalogue(request.principal))
    service = restore_service(request.principal, service=get_object_or_404(Service, pk=service_id))
    messages.success(request, _("%(name)s is offered again") % {"name": service.name})
    return go(request, "clients:services")


def _uses(principal):
    """On how many clients, of those the user may see."""
    return Count("clients", filter=visible_q(principal, "clients__") & Q(clients__archived_at__isnull=True))


@require_GET
def tag_list(request):
    tags = Tag.objects.annotate(uses=_uses(request.principal))
    return render(
        request,
        "clients/catalogue/tags.html",
        {"tags": tags, "may_manage": permissions.may_manage_catalogue(request.principal)},
    )


@require_http_methods(["GET", "POST"])
def tag_create(request):
    require(permissions.may_manage_catalogue(request.principal))
    form = TagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            create_tag(request.principal, **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("Tag added"))
            return go(request, "clients:tags")
    return _form(request, form, _("New tag"), "clients:tags")


@require_http_methods(["GET", "POST"])
def tag_edit(request, tag_id):
    require(permissions.may_manage_catalogue(request.principal))
    tag = get_object_or_404(Tag, pk=tag_id)
    form = TagForm(request.POST or None, instance=tag)
    if request.method == "POST" and form.is_valid():
        try:
            update_tag(request.principal, tag=tag, **form.cleaned_data)
        except ServiceError as error:
            add_to_form(form, error)
        else:
            messages.success(request, _("Saved"))
            return go(request, "clients:tags")
    return _form(request, form, _("Edit tag"), "clients:tags")


@require_http_methods(["GET", "POST"])
def tag_delete(request, tag_id):
    """Cannot be undone, so it is asked for with the number of clients that lose it."""
    require(permissions.may_manage_catalogue(request.principal))
    tag = get_object_or_404(Tag.objects.annotate(uses=_uses(request.principal)), pk=tag_id)
    if request.method == "POST":
        delete_tag(request.principal, tag=tag)
        messages.success(request, _("Tag deleted"))
        return go(request, "clients:tags")
    return render(request, "clients/catalogue/tag_delete.html", {"tag": tag})


def _form(request, form, title, back, *, version=None, status=None):
    context = {"form": form, "form_title": title, "back_url": reverse(back), "version": version}
    return render(request, "clients/catalogue/form.html", context, status=status or (422 if form.is_bound else 200))


for view in (service_list, service_create, service_edit, tag_list, tag_create, tag_edit, tag_delete):
    view.nav_key = "services"
