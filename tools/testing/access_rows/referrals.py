from datetime import date

from tools.testing.access import EVERYONE, Row, of_list
from tools.testing.access_rows.clients import of_client


def build(scene):
    """One for each client, by somebody outside."""
    make = scene.model("clients.Referral").objects.create
    scene.rows["referral"] = {
        kind: make(client=client, by_source=f"Bank of {client.name}", date=date(2026, 5, 3))
        for kind, client in scene.clients.items()
    }


def of_referral(url, **methods):
    return Row(url, about="referral", **methods)


API = {"seen_by": {"archived": ()}}
ROWS = [
    *of_list("clients:referrals", "filters", "export"),
    Row("clients:referrers", get=EVERYONE),
    Row("clients:referrers_export", get=EVERYONE),
    of_client("clients:referral_new", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_referral("clients:referral", get=EVERYONE, post=EVERYONE, shuts_archived=True),
    of_referral("clients:referral_archive", post=EVERYONE, shuts_archived=True),
    of_referral("clients:referral_restore", post=EVERYONE, shuts_archived=True),
    of_referral("interactions:referral-thanks", post=EVERYONE, shuts_archived=True),
    Row("api:referrals-list", get=EVERYONE, post=EVERYONE),
    of_referral("api:referrals-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, **API),
    of_referral("api:referrals-restore", post=EVERYONE, **API),
]
