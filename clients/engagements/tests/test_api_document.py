"""The API's document of a firm that does not use engagements: no path, parameter or field of them."""

import re

import pytest
from drf_spectacular.validation import validate_schema

from crm.core.base.principals import acting
from crm.core.firm.services import update_firm

# a kind of document, the engagement letter, is something else
DOCUMENT_KIND = re.compile(r"/DocumentKindEnum/|/v1/documents.*(enum|description: Kind|kind)")
pytestmark = pytest.mark.django_db


def named(found, where=""):
    """Where a key or a text says "engagement", in the whole document."""
    if isinstance(found, dict):
        for key, value in found.items():
            if re.search("engagement", str(key), re.IGNORECASE):
                yield f"{where}/{key}"
            yield from named(value, f"{where}/{key}")
    elif isinstance(found, list):
        for value in found:
            yield from named(value, f"{where}[]")
    elif isinstance(found, str) and re.search("engagement", found, re.IGNORECASE):
        yield f"{where}: {found[:80]}"


def test_switched_off_the_document_does_not_name_them(client, aino):
    update_firm(acting(aino), engagement_word="off")
    client.force_login(aino)
    off = client.get("/api/schema/").json()
    validate_schema(off)
    assert "/api/v1/contracts" in " ".join(off["paths"])
    assert [where for where in named(off) if not DOCUMENT_KIND.search(where)] == []
