"""The group on the page of its parent."""

from clients.groups.queries import group_of
from clients.registry import panel
from crm.core.firm.queries import firm_today, get_firm

ON_CARD = 8


@panel("group", "side", 64, "clients/groups/late_card.html")
def group_link(principal, client, now):
    """Only on the page of a parent, and loaded when it comes into view: other clients pay nothing."""
    return {} if getattr(client, "has_children", False) else None


@panel("group-sums", "on demand", 0, "clients/groups/card.html")
def group_sums(principal, client, now):
    group = group_of(principal, client.pk, firm_today(now))
    return {"group": group, "shown": group.members[1 : ON_CARD + 1], "currency": get_firm().currency}
