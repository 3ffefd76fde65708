"""The catalogues of records: each column is a field or internal, and what a form can hold stands in import and API too."""

from pathlib import Path

import pytest
from django.conf import settings
from django.db import models
from django.utils import timezone

from clients.api import serializers as clients_api
from clients.api.documents import DocumentSerializer
from clients.catalogue.fields import SERVICE_FIELDS
from clients.catalogue.forms import ServiceForm
from clients.contacts.fields import CONTACT_FIELDS, PLACE_FIELDS
from clients.contacts.forms import ContactForm, PlaceForm
from clients.documents.fields import DOCUMENT_FIELDS
from clients.documents.forms import DocumentForm
from clients.documents.lists import DocumentFilters
from clients.importing import CLIENTS, CONTACTS, CONTRACTS, REVENUE
from clients.listing.filters import ClientFilters, ContactFilters
from clients.records.fields import CLIENT_FIELDS
from clients.records.forms import FactForm, NewClientForm
from clients.records.models import Client, ClientFacts
from clients.revenue.fields import CONTRACT_FIELDS, REVENUE_FIELDS
from clients.revenue.filters import ContractFilters, RevenueFilters
from clients.revenue.forms import ContractForm, RevenueForm
from crm.core.api.serializers import RecordSerializer
from crm.core.base.principals import SYSTEM
from crm.core.fields.catalogue import BUSINESS, FREE_WORDS, PERSONAL, Catalogue, Field, type_in
from crm.core.fields.forms import CatalogueForm, form_field
from crm.core.fields.types import COUNTRY, CURRENCY, DAY, EMAIL, LANGUAGE, TEXT, WHOLE, YES_NO, choice
from crm.core.listing import filters
from crm.core.listing.paging import Sort
from crm.core.ui.forms import Layout
from crm.management.commands import personal_data
from interactions.api import serializers as interactions_api
from interactions.composer.forms import InteractionFields, LogForm
from interactions.composer.imports import INTERACTIONS
from interactions.composer.lists import InteractionFilters
from interactions.follow_ups.fields import FOLLOW_UP_FIELDS
from interactions.follow_ups.forms import FollowUpForm
from interactions.follow_ups.lists import FollowUpFilters
from interactions.log.fields import INTERACTION_FIELDS
from tools.testing.factories.clients import make_client, make_firm, make_user

CATALOGUES = {
    "client": CLIENT_FIELDS,
    "contact": CONTACT_FIELDS,
    "place": PLACE_FIELDS,
    "service": SERVICE_FIELDS,
    "contract": CONTRACT_FIELDS,
    "revenue": REVENUE_FIELDS,
    "document": DOCUMENT_FIELDS,
    "interaction": INTERACTION_FIELDS,
    "follow-up": FOLLOW_UP_FIELDS,
}
FORMS = {
    "client": set(NewClientForm.base_fields) - {"status_start", "reason"},
    "contact": set(ContactForm.base_fields),
    "place": set(PlaceForm.base_fields),
    "service": set(ServiceForm.base_fields),
    "contract": set(ContractForm.base_fields),
    "revenue": set(RevenueForm.base_fields),
    "document": set(DocumentForm.base_fields),
    "interaction": set(InteractionFields.base_fields),
    "follow-up": set(FollowUpForm.base_fields),
}
SERIALIZERS = {
    "client": clients_api.ClientSerializer,
    "contact": clients_api.ContactSerializer,
    "place": clients_api.PlaceSerializer,
    "contract": clients_api.ContractSerializer,
    "revenue": clients_api.RevenueSerializer,
    "document": DocumentSerializer,
    "interaction": interactions_api.InteractionSerializer,
    "follow-up": interactions_api.FollowUpSerializer,
}
IMPORTS = {
    "client": CLIENTS,
    "contact": CONTACTS,
    "place": CONTACTS,
    "contract": CONTRACTS,
    "revenue": REVENUE,
    "interaction": INTERACTIONS,
}


@pytest.mark.parametrize("name", CATALOGUES)
def test_each_column_is_a_field_or_internal_for_a_reason(name):
    catalogue = CATALOGUES[name]
    columns = {c.name for c in [*catalogue.model._meta.fields, *catalogue.model._meta.many_to_many]}
    assert columns - set(catalogue) - set(catalogue.internal) == set()
    assert not set(catalogue) & set(catalogue.internal)
    own = set(catalogue.internal) - {"name_key", "search_key", "is_demo", "archived_at", "version"}
    assert own - columns == set(), "reasons for columns that are gone"
    assert all(catalogue.internal.values())


def test_each_fact_of_a_client_is_a_field():
    sources = {field.source for field in CLIENT_FIELDS.values()}
    internal = {"client", "next_step_id"}  # whose facts they are; which follow-up it is
    assert {c.name for c in ClientFacts._meta.fields if f"facts.{c.name}" not in sources} == internal


@pytest.mark.parametrize("name", FORMS)
def test_what_a_form_holds_is_in_the_catalogue(name):
    assert FORMS[name] - set(CATALOGUES[name]) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("name", IMPORTS)
def test_what_a_form_holds_can_be_imported(name):
    columns = {column.name for column in IMPORTS[name].columns}
    wanted = {CATALOGUES[name][field].cell or field for field in FORMS[name]}
    assert wanted - columns == set()


@pytest.mark.django_db
@pytest.mark.parametrize("name", SERIALIZERS)
def test_what_a_form_holds_can_be_written_by_the_api(name):
    fields = SERIALIZERS[name]().fields
    assert FORMS[name] - {field for field in fields if not fields[field].read_only} == set()


@pytest.mark.django_db
def test_only_fields_of_the_form_are_edited_in_place():
    assert set(FactForm.base_fields) >= CLIENT_FIELDS.inline > set()


@pytest.mark.parametrize("name", CATALOGUES)
def test_long_texts_and_addresses_are_not_called_facts_of_the_business(name):
    for field in CATALOGUES[name].values():
        if isinstance(field.column, models.TextField) and name != "service":
            assert field.privacy == FREE_WORDS, field.name
        if isinstance(field.column, models.EmailField):
            assert field.privacy == PERSONAL, field.name
        assert field.privacy in (BUSINESS, PERSONAL, FREE_WORDS)


LISTS = {
    "client": ClientFilters,
    "contact": ContactFilters,
    "contract": ContractFilters,
    "revenue": RevenueFilters,
    "document": DocumentFilters,
    "interaction": InteractionFilters,
    "follow-up": FollowUpFilters,
}


@pytest.mark.parametrize("name", LISTS)
def test_no_list_spells_out_the_filter_of_a_field(name):
    own = {key: made.field_name for key, made in LISTS[name].declared_filters.items() if not made.method}
    assert LISTS[name].catalogue is CATALOGUES[name]
    assert {key for key, column in own.items() if column in CATALOGUES[name]} == set()


@pytest.mark.parametrize("name", FORMS)
def test_no_form_spells_out_a_field(name):
    form = {
        "client": NewClientForm,
        "contact": ContactForm,
        "place": PlaceForm,
        "service": ServiceForm,
        "contract": ContractForm,
        "revenue": RevenueForm,
        "document": DocumentForm,
        "interaction": LogForm,
        "follow-up": FollowUpForm,
    }[name]
    assert form.catalogue is CATALOGUES[name]
    spelt = {key for key in form.declared_fields if key in form.catalogue and form.catalogue[key].column is not None}
    assert spelt == set()


def test_the_list_of_personal_data_is_up_to_date():
    page = Path(settings.BASE_DIR, "docs/admins/personal-data.md").read_text()
    assert page == personal_data.table() + "\n", "manage.py personal_data > docs/admins/personal-data.md"
    assert "| contact | Name; Email; Phone" in page and "Goals; Expectations; Background" in page


@pytest.mark.django_db
def test_a_further_field_needs_no_more_than_its_entry(monkeypatch):
    """A column that is taken out of the catalogue is in no form, list, filter, import or API; its entry brings it everywhere."""
    from crm.core.fields import catalogue as owner

    make_firm()
    row = make_client(owner=make_user(), industry="Ships", country="FI")
    make_client(owner=row.owner, industry="Trains")
    monkeypatch.setitem(owner._catalogues, Client, CLIENT_FIELDS)  # put back when the test is over
    entry = Field(
        "industry", aliases=("sector",), group="who", hint="Their trade", sort=Sort("industry"), filter=filters.Text
    )

    def places(made):
        serializer = type("SketchApi", (RecordSerializer,), {"catalogue": made})
        form = type("SketchForm", (CatalogueForm,), {"catalogue": made, "layout": Layout("name", *made.group("who"))})
        listed = type("SketchFilters", (filters.ListFilters,), {"catalogue": made})
        return {
            "import": {column.name for column in made.import_columns()},
            "api": set(serializer(row).data),
            "services": set(made.edited),
            "form": set(form().fields),
            "filters": set(listed.base_filters),
            "page": {fact.field.name for fact in made.facts(row)},
        }

    before, made = places(Catalogue(Client, Field("name"))), Catalogue(Client, Field("name"), entry)
    assert {place: names - before[place] for place, names in places(made).items()} == dict.fromkeys(
        before, {"industry"}
    )
    field, column = made["industry"], made["industry"].in_list()
    assert (str(field.label), field.value(row), field.text(row)) == ("Industry", "Ships", "Ships")
    assert (column.key, str(column.label), column.value(row), column.sort) == (
        "industry",
        "Industry",
        "Ships",
        Sort("industry"),
    )
    drawn = form_field(field)
    assert (str(drawn.label), drawn.help_text, drawn.required, drawn.max_length) == (
        "Industry",
        "Their trade",
        False,
        100,
    )
    found = type("SketchFilters", (filters.ListFilters,), {"catalogue": made})(
        {"industry": "Ships"}, principal=SYSTEM, now=timezone.now()
    )
    assert [each.pk for each in found.apply(Client.objects.all())] == [row.pk]
    assert found.chips()[0]["label"] == "Industry is"
    with pytest.raises(ValueError, match="longer than 100"):
        field.import_column().parse("x" * 101, {})


@pytest.mark.django_db
def test_what_is_chosen_stays_though_it_is_offered_no_more():
    make_firm()
    row = make_client(owner=make_user(name="Marta Kallio"), language="xx")
    row.owner.is_active = False
    row.owner.save()
    form = NewClientForm(instance=row, user=row.owner)
    assert row.owner in form.fields["owner"].queryset
    assert ("xx", "xx") in [(value, str(label)) for value, label in form.fields["language"].choices]
    assert row.owner not in NewClientForm(user=row.owner).fields["owner"].queryset


def test_what_may_be_left_empty_is_for_the_service_to_fill_in():
    given = {"date": "2026-01-31", "amount": "10", "currency": "", "rate": "", "kind": "fee"}
    form = RevenueForm(given, principal=None, client=None)
    assert not {"currency", "rate"} & set(form.errors)
    assert form.cleaned_data["rate"] is None and form.cleaned_data["currency"] is None


@pytest.mark.django_db
def test_values_for_a_file_and_words_for_a_page():
    make_firm()
    row = make_client(owner=make_user(name="Marta Kallio", email="marta@firm.example"), country="FI", language="de")
    told = {name: (CLIENT_FIELDS[name].value(row), CLIENT_FIELDS[name].text(row)) for name in CLIENT_FIELDS}
    assert told["owner"] == ("marta@firm.example", "Marta Kallio")
    assert told["country"] == ("FI", "Finland")
    assert told["language"] == ("de", "German")
    assert told["kind"] == ("Organisation", "Organisation")
    assert told["team"] == ("", "—") and told["tags"] == ("", "—")
    assert told["is_restricted"] == ("no", "no")
    assert told["status"][0] == row.facts.get_status_display()
    assert told["next_step_at"] == (None, "—")


def test_types_say_what_is_wrong_with_a_cell():
    for kind, text, says in (
        (DAY, "soon", "not a date"),
        (WHOLE, "-1", "not a whole number"),
        (EMAIL, "x", "not an email"),
        (YES_NO, "perhaps", "neither yes nor no"),
        (COUNTRY, "Atlantis", "not a known country"),
        (CURRENCY, "tulips", "“tulips” is not a currency"),
        (LANGUAGE, "Quenyan", "not a known language"),
        (choice([("a", "Alpha")]), "beta", "not one of: Alpha"),
    ):
        with pytest.raises(ValueError, match=says):
            kind.read(text)
    assert COUNTRY.read("Deutschland") == "DE"
    assert LANGUAGE.read("German") == "de"
    assert LANGUAGE.read("Englisch") == "en-gb" and LANGUAGE.read("pt-BR") == "pt-BR"
    assert CURRENCY.read("eur") == "EUR"
    assert TEXT.words("") == TEXT.words(None) == "—"


def test_the_history_says_a_value_as_its_catalogue_does():
    said = {name: type_in(Client, Client._meta.get_field(name)).words for name in ("country", "kind", "owner", "notes")}
    assert (said["country"]("FI"), said["kind"]("person"), said["owner"](7)) == ("Finland", "person", "#7")
    assert said["notes"]("") == "—"
