"""Everything that names a client or a contact is registered, or left with a reason."""

import pytest
from django.apps import apps

from clients.contacts.models import Contact
from clients.merging.relations import left, relations
from clients.records.models import Client

PLAIN = ("client_id", "contact_id", "object_id", "record_id", "source_id", "cause_id")
# columns that name no client and no contact, or of a table that keeps no rows of the firm
OTHER = {
    "clients.clientfacts.next_step_id": "a follow-up",
    "core.bulkchange.job_id": "a job",
    "core.fieldchange.job_id": "a job",
}


def is_history(model) -> bool:
    return hasattr(model, "pgh_tracked_model") or model._meta.app_label == "pghistory" or model._meta.proxy


def named() -> set[str]:
    """label.column of each foreign key to a client or contact, many-to-many ones by their own table."""
    found = set()
    for model in apps.get_models(include_auto_created=True):
        if is_history(model) or not model._meta.managed:
            continue
        for field in model._meta.concrete_fields:
            if field.related_model in (Client, Contact) or field.name in PLAIN:
                found.add((model._meta.db_table, field.column))
    return found


def test_whatever_names_a_client_or_contact_is_registered():
    told = {(each.model._meta.db_table, each.model._meta.get_field(each.column).column) for each in [*relations, *left]}
    assert named() - told == set()


def test_what_is_registered_is_there():
    known = {
        (model._meta.db_table, field.column)
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
    }
    for each in [*relations, *left]:
        assert (each.model._meta.db_table, each.model._meta.get_field(each.column).column) in known


@pytest.mark.parametrize("owner", [Client, Contact])
def test_a_relation_that_stays_says_why(owner):
    for each in relations:
        if each.owner is owner and each.stays:
            assert len(each.stays) > 10


def test_unique_rows_say_what_becomes_of_a_second_one():
    """A unique constraint that holds the column of a relation, alone or with others, needs `unless`, `is_single` or `moving`."""
    bare = set()
    for each in relations:
        column = each.model._meta.get_field(each.column)
        constraints = [c for c in each.model._meta.constraints if column.name in getattr(c, "fields", ())]
        is_unique = column.unique or any(type(c).__name__ == "UniqueConstraint" for c in constraints)
        if is_unique and not (each.stays or each.unless or each.is_single or each.moving):
            bare.add(each.key)
    assert bare == set()
