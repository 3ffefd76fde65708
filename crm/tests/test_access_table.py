"""The access table: every address × who asks × whose client. An address without a row fails.

How to add a row (tools/testing/access_rows/<app>.py):

    from crm.core.tests.access import ADMINS, EVERYONE, MANAGERS, Row

    def build(scene):                                   # optional: rows of your app for each kind of client
        scene.rows["interaction"] = {kind: make_interaction(client=c, author=c.owner) for kind, c in scene.clients.items()}
        scene.rows["template"] = {"any": make_template()}     # concerns no client: one row of the kind "any"

    ROWS = [
        Row("clients:list", get=EVERYONE),
        Row("clients:detail", get=EVERYONE, about="client", arg="client_id"),
        Row("clients:archive", post=EVERYONE, about="client", arg="client_id", shuts_archived=True),
        Row("interactions:correct", get=AUTHOR, post=AUTHOR, about="interaction"),
        Row("onboarding:template", get=EVERYONE, post=ADMINS, about="template"),
        Row("api:clients-list", get=EVERYONE, post=EVERYONE),
        Row("api:clients-detail", get=EVERYONE, patch=EVERYONE, delete=EVERYONE, about="client"),
    ]

- `get post patch delete`: who may, once they see the object: OPEN, EVERYONE (signed in), MANAGERS (and admins), ADMINS, NOBODY, a
  tuple of names, or `f(who, kind) -> bool`. Left out: the method is not there and answers 405.
- `about`: key in `scene.rows`; the object's pk goes into the URL argument `arg`. Kinds own, team, other, restricted, archived are
  seen as access.SEEN_BY says; whoever does not see one gets 404. `seen_by={"own": ("owner",)}` says otherwise for this row.
- `also`: further URL arguments, values or `f(scene, kind)`. `data`: what is sent, a dict or `f(scene, kind)`; without it an empty form
  is sent, and "invalid" (400, 422) counts as allowed. `query`: the query of GET. `shuts_archived`: an archived client's is refused (403 or 404).
  `always`: the outcome is the same for everybody (`"missing"`: a link that needs a valid token;
  `"elsewhere"`: sent on, to the login or back).

Checked besides: anonymous and just disabled users get the login (401 in the API); missing and malformed ids 404; a refused request, and every
GET, writes to no table but the bookkeeping ones; nothing answers 500.
"""

from contextlib import suppress

import pytest
from django.db import connection, transaction

from crm.core.base.checks import addresses
from crm.core.users.models import Team
from tools.testing import access

# A session is kept alive, the use of a token noted, and that somebody has read what a mail would remind them of: a GET may do that.
BOOKKEEPING = {"core_heartbeat", "django_session", "interactions_readmark"}
pytestmark = pytest.mark.django_db
ROWS = access.all_rows()


def test_every_address_has_one_row():
    known = {name for name, _ in addresses()}
    listed = [row.url for row in ROWS]
    assert sorted(known - {*listed}) == [], "URLs without a row in tools/testing/access_rows/"
    assert sorted({*listed} - known) == [], "rows of URLs that do not exist"
    assert len(ROWS) == len({(row.url, row.about) for row in ROWS}), "a URL with two rows about the same"


def test_what_is_written_is_noticed(scene):
    with connection.execute_wrapper(read := access.Writes()):
        assert Team.objects.filter(name="North").exists()
    with connection.execute_wrapper(wrote := access.Writes()), suppress(LookupError), transaction.atomic():
        Team.objects.create(name="Taken back")
        raise LookupError
    assert read.tables() == set() and wrote.tables() == {"core_team", "core_teamevent"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.url)
def test_who_may(scene, row):
    wrong = []
    for method, audience, kind, address, who in access.cases(scene, row):
        found, written, response = access.ask(scene, row, method, who, kind, address)
        wanted = access.expected(row, audience, who, kind)
        asked = f"{method.upper()} {address} ({kind}) by {who}"
        if found not in wanted:
            wrong.append(f"{asked}: {found} {response.status_code}, not {' or '.join(sorted(wanted))}")
        if (found != "ok" or method == "get") and written - BOOKKEEPING:
            wrong.append(f"{asked}: {found}, yet wrote to {', '.join(sorted(written))}")
    assert not wrong, "\n".join(wrong)
