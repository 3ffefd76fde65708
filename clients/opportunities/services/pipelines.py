"""Pipelines and their stages: how the firm sells. Admins set them up; every firm has one."""

from datetime import datetime

from django.db.models import Max
from django.utils.translation import gettext as _

from clients import permissions
from clients.checks import check_constraints, clean_fields
from clients.opportunities.choices import FIRST_STAGES
from clients.opportunities.models import Opportunity, Pipeline, Stage
from clients.opportunities.services.stays import enter_stage
from crm.core.base.archiving import set_archived
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, Principal
from crm.core.base.services import service
from crm.core.base.versions import save_version
from crm.core.firm.models import FirmSettings

MOST_STAGES = 12


def default_pipeline() -> Pipeline:
    """The first one; a firm that has none gets it here."""
    return Pipeline.objects.kept().first() or begin_pipelines(SYSTEM)


def first_stage(pipeline: Pipeline | None = None) -> Stage:
    """Where an opportunity begins. Raises ServiceError (field pipeline) for a pipeline without stages."""
    found = (pipeline or default_pipeline()).stages.kept().order_by("position", "pk").first()
    if found is None:
        raise ServiceError(_("This pipeline has no stages. An admin can add them under Pipelines."), field="pipeline")
    return found


@service(may=permissions.is_system)
def begin_pipelines(principal: Principal) -> Pipeline:
    """The pipeline that a firm begins with. Two at once make one."""
    FirmSettings.objects.select_for_update().filter(pk=1).first()
    if found := Pipeline.objects.kept().first():
        return found
    made = Pipeline.objects.create(name=_free_name(_("Sales")))
    Stage.objects.bulk_create(
        Stage(pipeline=made, name=str(name), position=place, probability=probability, rotting_days=days)
        for place, (name, probability, days) in enumerate(FIRST_STAGES)
    )
    return made


def are_as_begun() -> bool:
    """Whether the firm has no pipeline, or only the one that it began with, untouched."""
    first = [(str(name), place, *more) for place, (name, *more) in enumerate(FIRST_STAGES)]
    stages = Stage.objects.order_by("position").values_list("name", "position", "probability", "rotting_days")
    is_edited = any(rows.exclude(version=1, archived_at=None).exists() for rows in (Pipeline.objects, Stage.objects))
    names = [*Pipeline.objects.values_list("name", flat=True)]
    return not names or (names == [_("Sales")] and [*stages] == first and not is_edited)


def _free_name(name: str) -> str:
    """An archived pipeline keeps its name."""
    taken = {each.casefold() for each in Pipeline.objects.values_list("name", flat=True)}
    return next(
        each for n in range(len(taken) + 1) if (each := name if not n else f"{name} {n + 1}").casefold() not in taken
    )


@service(may=permissions.may_manage_pipelines)
def create_pipeline(principal: Principal, *, name: str) -> Pipeline:
    """With the stages that every firm begins with. Raises ServiceError (field name)."""
    last = Pipeline.objects.aggregate(last=Max("position"))["last"]
    made = Pipeline(name=" ".join(name.split()), position=0 if last is None else last + 1)
    _check(made, ["name"])
    made.save()
    Stage.objects.bulk_create(
        Stage(pipeline=made, name=str(stage), position=place, probability=probability, rotting_days=days)
        for place, (stage, probability, days) in enumerate(FIRST_STAGES)
    )
    return made


@service(may=permissions.may_manage_pipelines)
def update_pipeline(
    principal: Principal, *, pipeline: Pipeline, seen_version: int | None = None, name: str
) -> Pipeline:
    row = Pipeline.objects.select_for_update().get(pk=pipeline.pk)
    row.name = " ".join(name.split())
    _check(row, ["name"])
    save_version(row, fields=["name"], seen=seen_version)
    return row


@service(may=permissions.may_manage_pipelines)
def archive_pipeline(principal: Principal, *, pipeline: Pipeline, now: datetime) -> Pipeline:
    """No longer offered. Its open opportunities stay in it until somebody moves them. Raises ServiceError for the last one."""
    Pipeline.objects.select_for_update().kept().count()
    if not Pipeline.objects.kept().exclude(pk=pipeline.pk).exists():
        raise ServiceError(_("A firm needs at least one pipeline."))
    return set_archived(pipeline, at=now)[0]


@service(may=permissions.may_manage_pipelines)
def restore_pipeline(principal: Principal, *, pipeline: Pipeline) -> Pipeline:
    return set_archived(pipeline, at=None)[0]


@service(may=permissions.may_manage_pipelines)
def create_stage(
    principal: Principal, *, pipeline: Pipeline, name: str, probability: int, rotting_days: int | None = None
) -> Stage:
    """At the end of the pipeline. Raises ServiceError (fields name, probability, rotting_days)."""
    Pipeline.objects.select_for_update().get(pk=pipeline.pk)
    stages = pipeline.stages.kept()
    if stages.count() >= MOST_STAGES:
        raise ServiceError(_("A pipeline has at most %(n)d stages.") % {"n": MOST_STAGES})
    last = stages.aggregate(last=Max("position"))["last"]
    made = Stage(pipeline=pipeline, position=0 if last is None else last + 1)
    made.name, made.probability, made.rotting_days = " ".join(name.split()), probability, rotting_days
    _check(made, ["name", "probability", "rotting_days"])
    made.save()
    return made


@service(may=permissions.may_manage_pipelines)
def update_stage(
    principal: Principal,
    *,
    stage: Stage,
    seen_version: int | None = None,
    name: str,
    probability: int,
    rotting_days: int | None = None,
) -> Stage:
    """Open opportunities in the stage take its probability, but those that have one of their own. Raises StaleWrite, ServiceError."""
    row = Stage.objects.select_for_update().get(pk=stage.pk)
    row.name, row.probability, row.rotting_days = " ".join(name.split()), probability, rotting_days
    _check(row, ["name", "probability", "rotting_days"])
    save_version(row, fields=["name", "probability", "rotting_days"], seen=seen_version)
    Opportunity.objects.open().filter(stage=row, has_own_probability=False).exclude(probability=row.probability).update(
        probability=row.probability
    )
    return row


@service(may=permissions.may_manage_pipelines)
def order_stages(principal: Principal, *, pipeline: Pipeline, ids: list[int]) -> None:
    """Put the stages in this order; any that are not named come last."""
    rows = list(pipeline.stages.kept().select_for_update().order_by("position", "pk"))
    places = {pk: place for place, pk in enumerate(ids)}
    for place, row in enumerate(sorted(rows, key=lambda row: places.get(row.pk, len(places)))):
        if row.position != place:
            row.position = place
            save_version(row, fields=["position"], seen=None)


@service(may=permissions.may_manage_pipelines)
def remove_stage(principal: Principal, *, stage: Stage, to: Stage, now: datetime) -> Stage:
    """Take a stage out of its pipeline. Its open opportunities go to the stage `to`, archived ones and those out of the admin's sight
    too; closed ones and the history keep it. Raises ServiceError (field to)."""
    row = Stage.objects.select_for_update().get(pk=stage.pk)
    if to.pk == row.pk or to.pipeline_id != row.pipeline_id or to.archived_at is not None:
        raise ServiceError(_("Choose another stage of this pipeline for its open opportunities."), field="to")
    for opportunity in Opportunity.objects.open().filter(stage=row).select_for_update(of=("self",)):
        enter_stage(opportunity, to, by=principal, now=now)
    return set_archived(row, at=now)[0]


def _check(row: Pipeline | Stage, names: list[str]) -> None:
    if not row.name:
        raise ServiceError(_("Enter a name."), field="name")
    clean_fields(row, names)
    check_constraints(row, field="name")
