"""Pipelines and their stages, set up by admins."""

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from clients import permissions
from clients.opportunities.forms import PipelineForm, RemoveStageForm, StageForm
from clients.opportunities.models import Pipeline, Stage
from clients.opportunities.services import pipelines as services
from crm.core.base.errors import ServiceError
from crm.core.base.permissions import require
from crm.core.base.reading import whole_number
from crm.core.ui.actions import form_action
from crm.core.ui.htmx import go, is_fragment, posted


def _require(request):
    require(permissions.may_manage_pipelines(request.principal))


@require_GET
def show(request):
    _require(request)
    services.default_pipeline()
    stages = Prefetch("stages", Stage.objects.kept().order_by("position", "pk"), to_attr="shown")
    rows = Pipeline.objects.kept().prefetch_related(stages)
    context = {"pipelines": rows, "archived": Pipeline.objects.archived()}
    return render(request, "clients/opportunities/pipelines.html", context)


@require_http_methods(["GET", "POST"])
def create(request):
    form = PipelineForm(posted(request))

    def act():
        return services.create_pipeline(request.principal, name=form.cleaned_data["name"])

    return _form_page(request, form, act, title=_("New pipeline"), done=_("Pipeline added"))


@require_http_methods(["GET", "POST"])
def edit(request, pipeline_id):
    row = get_object_or_404(Pipeline, pk=pipeline_id)
    form = PipelineForm(posted(request), initial={"name": row.name, "version": row.version})

    def act():
        seen = form.seen_version()
        return services.update_pipeline(request.principal, pipeline=row, seen_version=seen, **form.cleaned_data)

    return _form_page(request, form, act, title=row.name)


@require_POST
def archive(request, pipeline_id):
    row = get_object_or_404(Pipeline, pk=pipeline_id)
    try:
        services.archive_pipeline(request.principal, pipeline=row, now=timezone.now())
    except ServiceError as error:
        messages.error(request, error.message)
    else:
        undo = reverse("clients:pipeline_restore", args=[row.pk])
        messages.success(request, _("%(name)s archived") % {"name": row.name}, extra_tags=f"undo:{undo}")
    return go(request, "clients:pipelines")


@require_POST
def restore(request, pipeline_id):
    row = services.restore_pipeline(request.principal, pipeline=get_object_or_404(Pipeline, pk=pipeline_id))
    messages.success(request, _("%(name)s restored") % {"name": row.name})
    return go(request, "clients:pipelines")


@require_http_methods(["GET", "POST"])
def add_stage(request, pipeline_id):
    pipeline = get_object_or_404(Pipeline.objects.kept(), pk=pipeline_id)
    form = StageForm(posted(request))

    def act():
        return services.create_stage(request.principal, pipeline=pipeline, **form.cleaned_data)

    title = _("New stage in %(pipeline)s") % {"pipeline": pipeline.name}
    return _form_page(request, form, act, title=title, done=_("Stage added"))


@require_http_methods(["GET", "POST"])
def edit_stage(request, stage_id):
    stage = _stage(stage_id)
    names = ("name", "probability", "rotting_days", "version")
    form = StageForm(posted(request), initial={name: getattr(stage, name) for name in names})

    def act():
        seen = form.seen_version()
        return services.update_stage(request.principal, stage=stage, seen_version=seen, **form.cleaned_data)

    return _form_page(request, form, act, title=stage.name)


@require_http_methods(["GET", "POST"])
def remove_stage(request, stage_id):
    """Asks where the open opportunities go, whether there are any or not: nothing is told of those out of sight."""
    stage = _stage(stage_id)
    form = RemoveStageForm(posted(request), stage=stage)

    def act():
        return services.remove_stage(request.principal, stage=stage, to=form.cleaned_data["to"], now=timezone.now())

    title, words = _("Remove the stage %(stage)s") % {"stage": stage.name}, _("Remove the stage")
    return _form_page(request, form, act, title=title, submit=words, done=_("Stage removed"))


@require_POST
def order(request, pipeline_id):
    """The order after a drag (`ids`), or one step up or down (`stage` and `to`)."""
    pipeline = get_object_or_404(Pipeline.objects.kept(), pk=pipeline_id)
    present = list(pipeline.stages.kept().order_by("position", "pk").values_list("pk", flat=True))
    ids = [pk for value in request.POST.getlist("ids") if (pk := whole_number(value)) in present]
    stage = whole_number(request.POST.get("stage"))
    if stage in present:
        at = present.index(stage)
        to = max(0, at - 1) if request.POST.get("to") == "up" else at + 1
        ids = [pk for pk in present if pk != stage]
        ids.insert(to, stage)
    services.order_stages(request.principal, pipeline=pipeline, ids=ids)
    return HttpResponse(status=204) if is_fragment(request) else go(request, "clients:pipelines")


def _stage(pk):
    return get_object_or_404(Stage.objects.kept().select_related("pipeline"), pk=pk)


def _form_page(request, form, act, *, title, done="", submit=""):
    _require(request)
    outcome = form_action(request, form, act)
    if outcome.is_done:
        messages.success(request, done or _("Saved"))
        return go(request, "clients:pipelines")
    trail = [{"label": _("Pipelines"), "url": reverse("clients:pipelines")}, {"label": title}]
    context = {"form": form, "title": title, "conflict": outcome.conflict, "trail": trail, "submit": submit}
    context["back_url"] = reverse("clients:pipelines")
    return render(request, "form_page.html", context, status=outcome.status)
