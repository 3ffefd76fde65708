"""What a file is told by, and what is remembered of a system."""

import pytest
from django.urls import reverse

from clients.importing.presets import PRODUCTS
from clients.opportunities.models import Opportunity
from clients.records.models import Client
from crm.core.base.plain_text import plain_text
from crm.core.base.principals import acting
from crm.core.base.reading import fold
from crm.core.files.services import store_bytes
from crm.core.importing import kinds, presets, recognising, running
from crm.core.importing import services as service
from crm.core.importing.forms import ValuesForm, name_of_word
from crm.core.importing.models import SavedMapping, SourceValue
from crm.core.importing.recognising import suggestions
from crm.core.work.choices import JobState
from tools.testing.factories.clients import NOW, make_user
from tools.testing.importing import counts, prepare, run

pytestmark = pytest.mark.django_db
DEALS = b"Record ID,Deal Name,Deal Stage,Close Date,Deal owner,Associated Company\n1,A,Legal check,2026-03-01,,Alpha\n"


def begin(actor, kind, data):
    file = store_bytes(acting(actor), name="file.csv", data=data)
    return service.create_import(acting(actor), kind=kinds.get(kind), file=file)


def checked(actor, job):
    service.check_import(acting(actor), job=job, now=NOW)
    assert running.run_job(job_id=job.pk) == JobState.READY
    job.refresh_from_db()
    return job


def test_every_preset_names_fields_that_there_are(ines):
    for _product, made in PRODUCTS:
        for preset in made:
            columns = {column.name for column in kinds.get(preset.kind).columns}
            assert preset.fields.keys() <= columns, preset.key
            assert {*preset.left_out.values()} <= {*presets.REASONS}, preset.key


def test_a_word_is_asked_for_once_and_known_in_the_next_file(client, ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n", system="hubspot")
    job = checked(ines, prepare(ines, "opportunities", DEALS, system="hubspot"))
    assert job.report["unknown"] == [["stage", [["Legal check", 1]]]]
    client.force_login(ines)
    assert "Legal check (in 1 row)" in client.get(reverse("core:import_preview", args=[job.pk])).text
    client.post(reverse("core:import_values", args=[job.pk]), {name_of_word("stage", "Legal check"): "won"})
    assert SourceValue.objects.get().meaning == "won"
    again = checked(ines, prepare(ines, "opportunities", DEALS, system="hubspot"))
    assert again.report["unknown"] == []
    assert counts(run(ines, "opportunities", DEALS, system="hubspot")) == {"created": 1}
    assert Opportunity.objects.get().state == "won"


def test_ids_of_15_and_18_characters_are_one_record(ines):
    head = b"ID,NAME,BILLINGCITY,SITE,ISDELETED,ANNUALREVENUE\n"
    assert counts(run(ines, "clients", head + b"001aB0000000001,Alpha,Turku,,false,1\n", system="salesforce")) == {
        "created": 1
    }
    long = presets.ids_in("001aB0000000001", "salesforce")
    assert len(long) == 18
    row = f"{long},Alpha,Turku,,false,1\n".encode()
    assert counts(run(ines, "clients", head + row, system="salesforce")) == {"unchanged": 1}


def test_a_file_of_another_kind_says_so_and_is_read_as_that(client, ines):
    job = begin(ines, "contacts", DEALS)
    client.force_login(ines)
    page = client.get(reverse("core:import_columns", args=[job.pk]))
    assert "This looks like an export of HubSpot · deals. You chose Contacts." in " ".join(page.text.split())
    client.post(reverse("core:import_kind", args=[job.pk]), {"kind": "opportunities"})
    job.refresh_from_db()
    assert job.kind == "import:opportunities" and job.options["mapping"]["stage"] == "Deal Stage"


def test_saved_columns_are_offered_when_such_a_file_comes_again(ines):
    data = b"Akte,Partei,Ort\n7,Alpha,Turku\n"
    job = prepare(
        ines, "clients", data, mapping={"external_id": "Akte", "name": "Partei", "city": "Ort"}, system="akten"
    )
    service.save_mapping(acting(ines), job=job, name="Aktenliste")
    again = begin(ines, "clients", data)
    assert again.options["looks_like"]["title"] == "Aktenliste"
    assert again.options["mapping"] == {"external_id": "Akte", "name": "Partei", "city": "Ort"}
    service.forget_mapping(acting(ines), mapping=SavedMapping.objects.get())
    assert begin(ines, "clients", data).options["looks_like"] == {}


def test_our_own_exports_say_of_what_they_are(ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n")
    for kind in kinds.kinds():
        if kind.export is None or kind.key not in (
            "clients",
            "contacts",
            "opportunities",
            "contracts",
            "revenue",
            "invoices",
        ):
            continue
        header = [str(cell) for cell in next(iter(kind.export(acting(ines))))]
        assert suggestions(header, acting(ines))[0].kind == kind.key


def test_times_without_a_zone_take_the_one_that_was_said(ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n", system="zoho")
    data = b"Record Id,Note Title,Note Content,Created Time,Parent ID.id,Note Owner\n1,T,B,2026-03-01 09:00:00,1,x\n"
    job = begin(ines, "interactions", data)
    given = {name: job.options[name] for name in ("dialect", "mapping", "defaults", "system")}
    service.set_options(acting(ines), job=job, zone="America/New_York", **given)
    job.refresh_from_db()
    assert job.options["times"] == ["2026-03-01 09:00:00"]
    assert begin(ines, "interactions", data).options["zone"] == "America/New_York"


def test_words_in_html_become_lines():
    assert plain_text("<p>One</p><ul><li>two &amp; three</li></ul>") == "One\n\n- two & three"
    assert plain_text("a < b and c > d") == "a < b and c > d"


def test_who_may_not_add_a_service_is_not_offered_it(ines):
    assert {creator.key for creator in kinds.creators} == {"service"}
    assert not kinds.creators["service"].may(acting(make_user(name="Ann", roles=["account_manager"])))
    assert Client.objects.count() == 0


def test_an_answer_is_for_the_word_that_was_asked_about(client, ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n", system="hubspot")
    job = checked(ines, prepare(ines, "opportunities", DEALS, system="hubspot"))
    asked = ValuesForm(jobs=[job], user=ines).words[0][0]
    job.report["unknown"] = [["stage", [["Frozen", 3], ["Legal check", 1]]]]  # checked again since
    job.save()
    client.force_login(ines)
    client.post(reverse("core:import_values", args=[job.pk]), {asked: "won"})
    assert SourceValue.objects.values_list("value", "meaning").get() == ("legalcheck", "won")


def test_what_others_say_since_changes_no_import_that_was_checked(ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n", system="hubspot")
    job = prepare(ines, "opportunities", DEALS, system="hubspot")
    job = checked(ines, service.set_values(acting(ines), job=job, values={"stage": {"Legal check": "won"}}))
    recognising.remember("hubspot", {"stage": {fold("legal check"): "lost"}})
    service.start_import(acting(ines), job=job, now=NOW)
    running.run_job(job_id=job.pk)
    assert Opportunity.objects.get().state == "won"


def test_a_check_knows_what_was_said_for_the_system_since_the_upload(ines):
    run(ines, "clients", b"Id,Name\n1,Alpha\n", system="hubspot")
    job = prepare(ines, "opportunities", DEALS, system="hubspot")
    recognising.remember("hubspot", {"stage": {fold("legal check"): "won"}})
    assert checked(ines, job).report["unknown"] == []
