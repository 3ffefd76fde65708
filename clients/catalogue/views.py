"""What the whole firm shares: services and tags. Everyone can read them; managers and admins edit them."""

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
from crm.core.base.permissions import require
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, posted


@require_GET
def service_list(request):
    archived = request.GET.get("archived") == "1"
    rows = Service.objects.archived() if archived else Service.objects.kept()
    return render(
        request,
        "clients/catalogue/services.html",
        {"services": rows, "archived": archived, "may_manage": permissions.may_manage_catalogue(request.principal)},
    )


@require_http_methods(["GET", "POST"])
def service_create(request):
    form = ServiceForm(posted(request))

    def act():
        return create_service(request.principal, **form.cleaned_data)

    return _form_page(request, form, act, title=_("New service"), done=_("%(name)s added"), back="clients:services")


@require_http_methods(["GET", "POST"])
def service_edit(request, service_id):
    service = get_object_or_404(Service, pk=service_id)
    form = ServiceForm(posted(request), instance=service)

    def act():
        return update_service(request.principal, service=service, seen_version=form.seen_version(), **form.cleaned_data)

    return _form_page(request, form, act, title=service.name, back="clients:services")


@require_POST
def service_archive(request, service_id):
    service = get_object_or_404(Service, pk=service_id)
    archive_service(request.principal, service=service, now=timezone.now())
    undo = reverse("clients:service_restore", kwargs={"service_id": service.pk})
    messages.success(request, _("%(name)s is no longer offered") % {"name": service.name}, extra_tags=f"undo:{undo}")
    return go(request, "clients:services")


@require_POST
def service_restore(request, service_id):
    service = restore_service(request.principal, service=get_object_or_404(Service, pk=service_id))
    messages.success(request, _("%(name)s is offered again") % {"name": service.name})
    return go(request, "clients:services")


def _uses(principal):
    """The number of visible clients with the tag."""
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
    form = TagForm(posted(request))

    def act():
        return create_tag(request.principal, **form.cleaned_data)

    return _form_page(request, form, act, title=_("New tag"), done=_("Tag added"), back="clients:tags")


@require_http_methods(["GET", "POST"])
def tag_edit(request, tag_id):
    tag = get_object_or_404(Tag, pk=tag_id)
    form = TagForm(posted(request), instance=tag)

    def act():
        return update_tag(request.principal, tag=tag, **form.cleaned_data)

    return _form_page(request, form, act, title=_("Edit tag"), back="clients:tags")


@require_http_methods(["GET", "POST"])
def tag_delete(request, tag_id):
    """Cannot be undone, so the page first asks and shows how many clients lose the tag."""
    tag = get_object_or_404(Tag.objects.annotate(uses=_uses(request.principal)), pk=tag_id)
    if request.method == "POST":
        delete_tag(request.principal, tag=tag)
        messages.success(request, _("Tag deleted"))
        return go(request, "clients:tags")
    require(permissions.may_manage_catalogue(request.principal))
    return render(request, "clients/catalogue/tag_delete.html", {"tag": tag})


def _form_page(request, form, act, *, title, back, done=""):
    require(permissions.may_manage_catalogue(request.principal))
    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, (done or _("Saved")) % {"name": outcome.result.name})
        return go(request, back)
    context = {"form": form, "title": title, "back_url": reverse(back), "conflict": outcome.conflict}
    return render(request, "form_page.html", context, status=outcome.status)
