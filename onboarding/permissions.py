"""Who may do what in onboarding. Who may see a plan is `Plan.objects.visible_to(principal)`, based on the clients'
gate.
"""

from django.utils.translation import gettext_lazy as _

from clients.permissions import may_edit
from crm.core.base.permissions import may_administer

ARCHIVED = _("The client is archived. Restore it first.")


def may_edit_templates(principal) -> bool:
    return may_administer(principal)


def may_run_plans(principal, client) -> bool:
    """Everyone who sees a client may run its plans and work on their tasks, unless it is archived."""
    return may_edit(principal, client)


def may_run_plan(principal, plan) -> bool:
    return may_run_plans(principal, plan.client)


def may_work_on_task(principal, task) -> bool:
    return may_run_plans(principal, task.plan.client)
