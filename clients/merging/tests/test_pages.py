"""The pages of merging: choose, compare, merge, undo, and where old addresses lead."""

from datetime import date

import pytest
from django.http import Http404
from django.urls import reverse

from clients.contacts.models import Contact
from clients.merging.models import ClientMerge, ContactMerge
from clients.merging.services import merge_clients, merge_contacts
from clients.merging.undoing import undo_client_merge
from clients.records.models import Client
from clients.records.services.clients import restore_client, restrict_client, update_client
from clients.revenue.models import Contract, RevenueLine
from crm.core.base.errors import ServiceError
from crm.core.base.principals import acting
from crm.core.fields.custom.services import create_field
from tools.testing.factories.clients import NOW, make_client, make_contact, make_line
from tools.testing.factories.documents import make_document
from tools.testing.factories.engagements import make_engagement
from tools.testing.factories.opportunities import make_contract

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(marta):
    kept, away = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Alder Oy")
    update_client(acting(marta), client=away, city="Turku", industry="Timber")
    update_client(acting(marta), client=kept, industry="Wood")
    return Client.objects.get(pk=kept.pk), Client.objects.get(pk=away.pk)


def address(kept, away):
    return reverse("clients:merge_with", args=[kept.pk, away.pk])


def versions(kept, away):
    return {"kept_version": kept.version, "away_version": away.version}


def merged(actor, kept, away, **told):
    return merge_clients(acting(actor), kept=kept, away=away, now=NOW, **told)


def test_compare_and_merge(client, marta, pair):
    kept, away = pair
    make_line(actor=marta, client=away)
    client.force_login(marta)
    page = client.get(address(kept, away)).content.decode()
    assert page.count("<fieldset") == 3 and "Turku" in page  # name, city, industry
    answer = client.post(address(kept, away), versions(kept, away) | {"take-city": "away", "take-industry": "kept"})
    assert answer.status_code == 302 and answer["Location"] == kept.get_absolute_url()
    kept.refresh_from_db()
    assert (kept.city, kept.industry, kept.name) == ("Turku", "Wood", "Alder")
    assert kept.revenue_lines.count() == 1
    assert "Undo" in client.get(answer["Location"]).content.decode()


def test_what_is_empty_is_suggested_from_the_other(client, marta, pair):
    kept, away = pair
    client.force_login(marta)
    client.post(address(kept, away), versions(kept, away))
    kept.refresh_from_db()
    assert (kept.city, kept.industry) == ("Turku", "Wood")


def test_choose_leads_to_both(client, marta, pair):
    kept, away = pair
    client.force_login(marta)
    url = reverse("clients:merge", args=[kept.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"other": away.pk})["Location"] == address(kept, away)
    assert client.post(url, {"other": kept.pk}).status_code == 422


def test_a_stale_page_is_shown_again_with_the_choices(client, marta, pair):
    kept, away = pair
    client.force_login(marta)
    old = versions(kept, away)
    update_client(acting(marta), client=away, city="Oulu")
    answer = client.post(address(kept, away), old | {"take-industry": "away"})
    assert answer.status_code == 409 and "Oulu" in answer.content.decode()
    assert not ClientMerge.objects.exists()
    again = dict(answer.context["form"].data.items())
    assert again["take-industry"] == "away"
    assert client.post(address(kept, away), again).status_code == 302
    kept.refresh_from_db()
    assert kept.industry == "Timber"


def test_a_choice_that_is_none_is_refused(client, marta, pair):
    kept, away = pair
    client.force_login(marta)
    answer = client.post(address(kept, away), versions(kept, away) | {"take-city": "both"})
    assert answer.status_code == 422 and not ClientMerge.objects.exists()


def test_who_may(client, marta, otto, sini, pair):
    kept, away = pair
    Client.objects.filter(pk=away.pk).update(owner=otto)
    for user, status in ((marta, 403), (otto, 403), (sini, 200)):
        client.force_login(user)
        assert client.get(address(kept, away)).status_code == status


def test_out_of_sight_is_not_found_and_not_counted(client, sini, otto, pair):
    kept, away = pair
    client.force_login(sini)
    Client.objects.filter(pk=away.pk).update(is_restricted=True, owner=otto)
    assert client.get(address(kept, away)).status_code == 404
    assert client.get(address(away, kept)).status_code == 404
    assert client.post(reverse("clients:merge", args=[kept.pk]), {"other": away.pk}).status_code == 422


def test_a_restricted_and_an_open_client_are_not_merged(client, marta, pair):
    kept, away = pair
    Client.objects.filter(pk=away.pk).update(is_restricted=True)
    client.force_login(marta)
    answer = client.post(address(kept, away), versions(kept, away))
    assert answer.status_code == 422 and "Only Alder Oy is restricted" in answer.content.decode()


def test_no_more_colleagues_see_a_restricted_client(marta, otto, pair):
    kept, away = pair
    Client.objects.update(is_restricted=True)
    kept.accesses.create(user=otto, granted_by=marta)
    with pytest.raises(ServiceError, match="More colleagues"):
        merged(marta, kept, away)
    away.accesses.create(user=otto, granted_by=marta)
    merged(marta, kept, away)
    assert set(kept.accesses.values_list("user", flat=True)) == {otto.pk}


def test_who_was_named_on_the_other_does_not_see_the_kept_one(marta, otto, pair):
    kept, away = pair
    Client.objects.update(is_restricted=True)
    away.accesses.create(user=otto, granted_by=marta)
    merged(marta, kept, away)
    assert not Client.objects.visible_to(acting(otto)).filter(pk=kept.pk).exists()


def test_old_addresses_lead_to_the_kept_client(client, marta, pair):
    kept, away = pair
    third = make_client(owner=marta, name="Alder AB")
    merged(marta, kept, away)
    merged(marta, third, kept)
    client.force_login(marta)
    answer = client.get(reverse("clients:people", args=[away.pk]), {"sort": "name"})
    assert answer.status_code == 301 and answer["Cache-Control"] == "no-store"
    assert answer["Location"] == reverse("clients:people", args=[third.pk]) + "?sort=name"
    assert client.post(reverse("clients:archive", args=[away.pk])).status_code == 409
    assert client.post(reverse("clients:restore", args=[away.pk])).status_code == 409
    with pytest.raises(ServiceError, match="Undo the merge"):
        restore_client(acting(marta), client=Client.objects.get(pk=away.pk))


def test_who_does_not_see_the_kept_client_is_led_nowhere(client, marta, otto, pair):
    kept, away = pair
    merged(marta, kept, away)
    Client.objects.filter(pk=kept.pk).update(is_restricted=True)
    client.force_login(otto)
    page = client.get(away.get_absolute_url())
    assert page.status_code == 200 and str(kept.pk) not in page.get("Location", "")
    client.post(reverse("clients:restore", args=[away.pk]))
    assert Client.objects.get(pk=away.pk).is_archived
    assert list(client.get(reverse("clients:merges")).context["listing"].page.rows) == []


def test_undo(client, marta, pair):
    kept, away = pair
    merge = merged(marta, kept, away, taken=["city"])
    client.force_login(marta)
    page = reverse("clients:merge_page", args=[merge.pk])
    assert "Undo merge" in client.get(page).content.decode()
    assert client.post(reverse("clients:undo_merge", args=[merge.pk]))["Location"] == away.get_absolute_url()
    assert client.get(away.get_absolute_url()).status_code == 200
    assert client.post(reverse("clients:undo_merge", args=[merge.pk]))["Location"] == page
    kept.refresh_from_db()
    assert kept.city == ""


def test_undo_leaves_what_was_changed_since_and_says_so(client, marta, pair):
    kept, away = pair
    line = make_line(actor=marta, client=away)
    merge = merged(marta, kept, away, taken=["city", "name"])
    later = make_line(actor=marta, client=kept)
    update_client(acting(marta), client=Client.objects.get(pk=kept.pk), city="Oslo", source="The fair")
    merge = undo_client_merge(acting(marta), merge=merge, now=NOW)
    kept.refresh_from_db()
    line.refresh_from_db()
    later.refresh_from_db()
    assert (kept.city, kept.name, kept.source) == ("Oslo", "Alder", "The fair")
    assert (line.client_id, later.client_id) == (away.pk, kept.pk)
    assert merge.left == [["clients.client", kept.pk, "Changed since: city."]]
    client.force_login(marta)
    assert "Changed since: city." in client.get(reverse("clients:merge_page", args=[merge.pk])).content.decode()


def test_a_chain_is_undone_from_its_end(marta, pair):
    kept, away = pair
    third = make_client(owner=marta, name="Alder AB")
    first = merged(marta, kept, away)
    second = merged(marta, third, kept)
    with pytest.raises(ServiceError, match="Undo that merge first"):
        undo_client_merge(acting(marta), merge=first, now=NOW)
    undo_client_merge(acting(marta), merge=second, now=NOW)
    undo_client_merge(acting(marta), merge=first, now=NOW)
    assert not Client.objects.archived().exists()


@pytest.mark.parametrize("is_other_way", [False, True])
def test_a_parent_and_its_child(marta, pair, is_other_way):
    above, below = pair
    top, child = make_client(owner=marta, name="Group"), make_client(owner=marta, name="Branch")
    update_client(acting(marta), client=above, parent=top)
    update_client(acting(marta), client=below, parent=above)
    update_client(acting(marta), client=child, parent=below)
    kept, away = (below, above) if is_other_way else (above, below)
    merge = merged(marta, Client.objects.get(pk=kept.pk), Client.objects.get(pk=away.pk))
    child.refresh_from_db()
    kept.refresh_from_db()
    assert (kept.parent, child.parent) == (top, kept)
    undo_client_merge(acting(marta), merge=merge, now=NOW)
    child.refresh_from_db()
    below.refresh_from_db()
    assert (below.parent, child.parent) == (above, below)


def test_an_undo_closes_no_ring(marta, pair):
    kept, away = pair
    top, child, other = (make_client(owner=marta, name=name) for name in ("Group", "Branch", "Other"))
    for client, parent in ((away, top), (child, away), (other, away)):
        update_client(acting(marta), client=client, parent=parent)
    merge = merged(marta, kept, Client.objects.get(pk=away.pk))
    update_client(acting(marta), client=Client.objects.get(pk=top.pk), parent=Client.objects.get(pk=child.pk))
    merge = undo_client_merge(acting(marta), merge=merge, now=NOW)
    above = {client.pk: client.parent for client in Client.objects.all()}
    assert (above[away.pk], above[top.pk], above[child.pk], above[other.pk]) == (top, child, kept, away)
    assert merge.left == [["clients.client", child.pk, "Its parent is now one of the clients below it."]]


def test_what_was_added_since_goes_with_what_it_names(marta, pair):
    kept, away = pair
    sale, own = (make_engagement(actor=marta, client=each) for each in (away, kept))
    merge = merged(marta, kept, away)
    sale.refresh_from_db()
    contract = make_contract(actor=marta, client=kept, engagement=sale)
    line = make_line(actor=marta, client=kept, engagement=sale)
    paper = make_document(actor=marta, client=kept, engagement=sale)
    both = make_contract(actor=marta, client=kept, engagement=own, service=contract.service)
    Contract.objects.filter(pk=both.pk).update(replaces=contract)
    merge = undo_client_merge(acting(marta), merge=merge, now=NOW)
    for row in (sale, own, contract, line, paper, both):
        row.refresh_from_db()
    assert {row.client_id for row in (sale, contract, line, paper)} == {away.pk}
    assert paper.file.client_id == away.pk
    assert (own.client, both.client, both.replaces) == (kept, kept, contract)
    assert merge.left == [["clients.contract", both.pk, "It names something of the other client."]]


def test_contacts(client, marta):
    alder, birch = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Birch")
    kept = make_contact(actor=marta, client=alder, emails=[("work", "e@alder.example")])
    away = make_contact(actor=marta, client=birch, last_name="Saario", emails=[("work", "e@birch.example")])
    client.force_login(marta)
    url = reverse("clients:merge_contact_with", args=[kept.pk, away.pk])
    assert "Saario" in client.get(url).content.decode()
    assert client.post(url, versions(kept, away))["Location"] == kept.get_absolute_url()
    assert sorted(kept.emails.values_list("address", "is_primary")) == [
        ("e@alder.example", True),
        ("e@birch.example", False),
    ]
    assert {place.client for place in kept.affiliations.all()} == {alder, birch}
    assert client.get(away.get_absolute_url())["Location"] == kept.get_absolute_url()
    merge = ContactMerge.objects.get()
    client.post(reverse("clients:undo_contact_merge", args=[merge.pk]))
    assert Contact.objects.get(pk=away.pk).emails.get().is_primary
    assert not Contact.objects.archived().exists()


def test_the_contact_merged_away_leads_on_for_whoever_sees_the_kept_one(client, marta, otto):
    alder, birch = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Birch")
    kept, away = (make_contact(actor=marta, client=each, last_name=each.name) for each in (alder, birch))
    merge = merge_contacts(acting(marta), kept=kept, away=away, now=NOW)
    client.force_login(otto)
    assert client.get(away.get_absolute_url())["Location"] == kept.get_absolute_url()
    assert client.get(f"/api/v1/contacts/{away.pk}")["Location"] == f"/api/v1/contacts/{kept.pk}"
    assert client.get(reverse("clients:contact_merge_page", args=[merge.pk])).status_code == 200
    assert "Details and undo" in client.get(kept.get_absolute_url()).content.decode()


def test_what_went_out_of_sight_since_is_not_merged(marta, otto, sini, pair):
    kept, away = pair  # as a view read them
    people = [make_contact(actor=marta, client=each, last_name=each.name) for each in pair]
    Client.objects.update(is_restricted=True)
    with pytest.raises(Http404):
        merged(sini, kept, away)
    with pytest.raises(Http404):
        merge_contacts(acting(otto), kept=people[0], away=people[1], now=NOW)
    gone = make_client(owner=marta, name="Gone")
    Client.objects.filter(pk=gone.pk).delete()
    with pytest.raises(Http404):
        merged(marta, kept, gone)
    assert not ClientMerge.objects.exists() and not ContactMerge.objects.exists()


def test_a_contact_of_a_restricted_client_is_not_shown_to_more(marta, otto):
    alder, hidden = make_client(owner=marta, name="Alder"), make_client(owner=marta, name="Hidden")
    one, other = (make_contact(actor=marta, client=each, last_name=each.name) for each in (alder, hidden))
    Client.objects.filter(pk=hidden.pk).update(is_restricted=True)
    for kept, away in ((one, other), (other, one)):
        with pytest.raises(ServiceError, match="Hidden is known at restricted clients only"):
            merge_contacts(acting(marta), kept=kept, away=away, now=NOW)
    Client.objects.filter(pk=alder.pk).update(is_restricted=True)
    merge_contacts(acting(marta), kept=one, away=other, now=NOW)  # the same colleague sees both
    assert not Contact.objects.visible_to(acting(otto)).filter(pk=one.pk).exists()


def test_a_merge_of_contacts_is_told_and_undone_by_who_sees_both(client, marta, otto, sini):
    alder, birch, hidden = (make_client(owner=marta, name=name) for name in ("Alder", "Birch", "Hidden"))
    kept, away = (make_contact(actor=marta, client=each, last_name=each.name) for each in (alder, birch))
    away.affiliations.create(client=hidden)
    Client.objects.filter(pk=hidden.pk).update(is_restricted=True)
    merge = merge_contacts(acting(marta), kept=kept, away=away, now=NOW)
    page = reverse("clients:contact_merge_page", args=[merge.pk])
    client.force_login(otto)  # sees Alder and Birch
    assert "Undo merge" not in client.get(page).content.decode()
    assert client.post(reverse("clients:undo_contact_merge", args=[merge.pk])).status_code == 403
    Client.objects.filter(pk=birch.pk).update(is_restricted=True)  # now Alder only
    assert client.get(page).status_code == 404
    assert "Birch" not in client.get(kept.get_absolute_url()).content.decode()
    assert client.get("/api/v1/contact-merges").json()["results"] == []
    client.force_login(sini)
    assert "Undo merge" in client.get(page).content.decode()
    client.force_login(marta)
    client.post(reverse("clients:undo_contact_merge", args=[merge.pk]))
    assert not Contact.objects.archived().exists()


@pytest.mark.as_owner  # who may delete history
@pytest.mark.parametrize("what", ["own", "most", "all"])
def test_an_undo_without_the_history_is_refused(marta, pair, what):
    kept, away = pair
    lines = [make_line(actor=marta, client=away).pk for _n in range(9)]
    merge = merged(marta, kept, away)
    of_clients, of_lines = Client.pgh_event_model.objects, RevenueLine.pgh_event_model.objects
    if what == "all":
        of_clients.all().delete()
        of_lines.all().delete()
    elif what == "own":
        of_clients.filter(pgh_obj=away.pk).exclude(pgh_context=merge.context).delete()
    else:
        of_lines.filter(pgh_obj__in=lines).exclude(pgh_context=merge.context).delete()
    with pytest.raises(ServiceError, match="cannot be undone"):
        undo_client_merge(acting(marta), merge=merge, now=NOW)
    assert Client.objects.get(pk=away.pk).is_archived and ClientMerge.objects.get().undone_at is None


def test_an_undo_opens_nothing_that_was_restricted_since(marta, otto, pair):
    kept, away = pair
    line = make_line(actor=marta, client=away)
    merge = merged(marta, kept, away)
    restrict_client(acting(marta), client=Client.objects.get(pk=kept.pk))
    merge = undo_client_merge(acting(marta), merge=merge, now=NOW)
    assert Client.objects.get(pk=away.pk).is_restricted and len(merge.left) == 1
    assert not RevenueLine.objects.visible_to(acting(otto)).filter(pk=line.pk).exists()


def test_the_history_of_both_tells(client, marta, pair):
    kept, away = pair
    line = make_line(actor=marta, client=away, note="Once more")
    merge = merged(marta, kept, away)
    version = RevenueLine.objects.get(pk=line.pk).version
    client.force_login(marta)
    page = client.get(reverse("clients:history", args=[kept.pk])).content.decode()
    assert page.count("Alder Oy merged into Alder") >= 2
    assert reverse("clients:merge_page", args=[merge.pk]) in page
    client.post(reverse("clients:undo_merge", args=[merge.pk]))
    assert RevenueLine.objects.get(pk=line.pk).version == version == line.version
    assert "Alder Oy merged into Alder" in client.get(reverse("clients:history", args=[away.pk])).content.decode()


def test_a_client_out_of_sight_keeps_the_details_it_had(marta, otto):
    alder, hidden = make_client(owner=marta, name="Alder"), make_client(owner=otto, name="Hidden")
    kept = make_contact(actor=marta, client=alder, emails=[("work", "e@alder.example")])
    away = make_contact(actor=otto, client=hidden, last_name="Saario", emails=[("work", "e@hidden.example")])
    make_place = away.affiliations.create
    make_place(client=alder)
    Client.objects.filter(pk=hidden.pk).update(is_restricted=True)
    merge_contacts(acting(marta), kept=kept, away=Contact.objects.get(pk=away.pk), now=NOW)
    held = kept.affiliations.get(client=hidden).held
    assert held.details["address"] == "e@hidden.example" and held.details["last_name"] == "Saario"


def test_custom_fields_of_every_type_are_chosen(marta, aino, pair):
    kept, away = pair
    third = make_client(owner=marta, name="Third")
    made = {"number": 5, "date": date(2026, 5, 4), "yes_no": True, "user": aino, "client": third, "text": "T-1"}
    for kind in made:
        create_field(
            acting(aino), record="client", label=f"Own {kind}", kind=kind, is_unique=kind in ("text", "number")
        )
    update_client(acting(marta), client=away, **{f"cf_own_{kind}": value for kind, value in made.items()})
    before = Client.objects.get(pk=away.pk).custom
    assert len(before) == len(made)
    merge = merged(marta, kept, away, taken=[f"cf_own_{kind}" for kind in made])
    kept.refresh_from_db()
    assert kept.custom == before
    merge = undo_client_merge(acting(marta), merge=merge, now=NOW)
    kept.refresh_from_db()
    assert (kept.custom, Client.objects.get(pk=away.pk).custom, merge.left) == ({}, before, [])


def test_custom_fields_that_name_the_client_name_the_kept_one(marta, aino, pair):
    kept, away = pair
    third = make_client(owner=marta, name="Third")
    create_field(acting(aino), record="client", label="Lawyer", kind="client")
    update_client(acting(marta), client=third, cf_lawyer=away)
    merge = merged(marta, kept, away)
    third.refresh_from_db()
    assert third.cf_lawyer == kept.pk
    undo_client_merge(acting(marta), merge=merge, now=NOW)
    third.refresh_from_db()
    assert third.cf_lawyer == away.pk
