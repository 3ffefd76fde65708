"""Who may do what in onboarding. Who may see a plan is `Plan.objects.visible_to(user)`, made of the gate of clients."""

from clients.permissions import may_edit
from crm.core.base.permissions import may_administer


def may_edit_templates(principal) -> bool:
    return may_administer(principal)


def may_run_plans(principal, client) -> bool:
    """Whoever works with the client starts and runs its plans, and ticks off their tasks."""
    return may_edit(principal, client)
