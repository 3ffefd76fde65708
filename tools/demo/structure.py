"""How the demo firm's clients hang together: a small group, referrals, and a colleague who is away."""

from datetime import timedelta

from clients.contacts.queries import people_of
from clients.cover.services import arrange_cover
from clients.records.services.clients import update_client
from clients.referrals.services import add_referral
from crm.core.base.principals import SYSTEM, acting

SOURCE = "Chamber of Commerce"


def make(stage) -> None:
    clients = [client for client in stage.clients.values() if client.archived_at is None and not client.is_restricted]
    top, middle, below, beside, brought, by_person, by_source = clients[:7]
    for client, parent in ((middle, top), (beside, top), (below, middle)):
        update_client(SYSTEM, client=client, parent=parent)
    given = {"now": stage.now, "is_demo": True}
    for days, (client, referrer) in enumerate(
        (
            (brought, {"by_client": top, "note": "Recommended us at their annual meeting"}),
            (by_person, {"by_contact": people_of(brought)[0].contact} if people_of(brought) else {"by_client": top}),
            (by_source, {"by_source": SOURCE}),
        )
    ):
        date = stage.today - timedelta(days=200 + 40 * days)
        add_referral(acting(client.owner), client=client, date=date, **referrer, **given)
    arrange_cover(
        acting(stage.users["jonas"]),
        absent=stage.users["jonas"],
        covering=stage.users["marta"],
        start_date=stage.today - timedelta(days=1),
        end_date=stage.today + timedelta(days=6),
        note="On leave. Urgent calls only, please.",
        **given,
    )
