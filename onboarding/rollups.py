"""What a roll-up of clients may compute, of the rows of this app."""

from django.utils.translation import gettext_lazy as _

from crm.core.fields.custom.formulas.checking import Result
from crm.core.fields.custom.rollups import Measure, Source, by_choice, sources
from onboarding.choices import PlanState
from onboarding.models import Plan

sources.register(
    Source(
        "plans",
        "client",
        _("Onboarding plans"),
        lambda principal: Plan.objects.visible_to(principal),
        "kickoff_date",
        _("Drafts and cancelled plans too, but for those of restricted engagements that the reader does not see."),
        measures=(
            Measure("kickoff_date", _("Kickoff"), "kickoff_date", Result.DATE),
            Measure("forecast_date", _("Forecast end"), "forecast_date", Result.DATE),
            Measure("done", _("Tasks done"), "done_count"),
            Measure("tasks", _("Tasks"), "task_count"),
        ),
        conditions=tuple(by_choice("state", _("State"), PlanState.choices)),
        order=210,
    )
)
