"""Documents of a client: filed, changed, shared, archived; versions; and how its tab, page, list and files answer."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction
from django.urls import reverse

from clients.documents import services
from clients.documents.models import Document, DocumentVersion
from clients.records.services.clients import archive_client, reassign_clients, restrict_client
from crm.core.base.errors import ServiceError, StaleWrite
from crm.core.base.principals import SYSTEM, acting
from crm.core.files.models import StoredFile
from crm.core.notifications.models import Notification
from crm.core.search import sources
from crm.core.users.models import User
from tools.demo.remove import remove
from tools.testing.factories.clients import TODAY, make_client, make_firm, make_user
from tools.testing.factories.documents import NOW, PDF, PNG, make_document, received

pytestmark = pytest.mark.django_db


@pytest.fixture
def marta(db):
    make_firm()
    return make_user(name="Marta Kallio")


@pytest.fixture
def northwind(marta):
    return make_client(owner=marta, name="Northwind Advisory")


@pytest.fixture
def letter(marta, northwind):
    return make_document(actor=marta, client=northwind, name="engagement_letter.pdf", kind="engagement")


def file(name="letter.pdf", data=PDF):
    return SimpleUploadedFile(name, data)


def test_a_document_is_its_first_version(marta, northwind, letter):
    assert (letter.title, letter.kind, letter.number, letter.is_shared) == ("engagement letter", "engagement", 1, False)
    version = letter.versions.get()
    assert version.file == letter.file and version.number == 1
    assert (letter.file.content_type, letter.file.user, letter.file.client_id) == (
        "application/pdf",
        marta,
        northwind.pk,
    )
    with default_storage.open(letter.file.path) as kept:
        assert kept.read() == PDF


def test_versions_stay_and_the_latest_is_the_document(marta, letter):
    first = letter.file
    version = services.add_document_version(
        acting(marta),
        document=letter,
        received=received("v2.png", PNG),
        remark="Signed",
        now=NOW + timedelta(hours=1),
    )
    letter.refresh_from_db()
    assert (version.number, letter.number, letter.file) == (2, 2, version.file)
    assert letter.uploaded_at == NOW + timedelta(hours=1)
    assert [row.file for row in letter.versions.all()] == [version.file, first]


def test_the_same_file_is_no_new_version(marta, letter):
    with pytest.raises(ServiceError, match="same file as version 1"):
        services.add_document_version(acting(marta), document=letter, received=received(), now=NOW)
    assert DocumentVersion.objects.count() == StoredFile.objects.count() == 1


def test_two_versions_of_one_number_cannot_be(letter):
    other = StoredFile.objects.create(path="a/b", name="x", content_type="x", size=1, sha256="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        DocumentVersion.objects.create(document=letter, number=1, file=other)
    with pytest.raises(IntegrityError), transaction.atomic():
        DocumentVersion.objects.create(document=letter, number=2, file=letter.file)
    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=letter.pk).update(title="")


def test_edits_of_different_fields_merge_and_of_the_same_are_put_to_the_second(marta, letter):
    services.update_document(acting(marta), document=letter, seen_version=1, kind="contract")
    services.update_document(acting(marta), document=letter, seen_version=1, title="Letter")
    letter.refresh_from_db()
    assert (letter.kind, letter.title) == ("contract", "Letter")
    with pytest.raises(StaleWrite):
        services.update_document(acting(marta), document=letter, seen_version=1, title="Another")


@pytest.mark.parametrize(
    ("fields", "field"), [({"title": " "}, "title"), ({"title": "x" * 161}, "title"), ({"kind": "poem"}, "kind")]
)
def test_what_cannot_be_is_refused_beside_its_field(marta, letter, fields, field):
    with pytest.raises(ServiceError) as refused:
        services.update_document(acting(marta), document=letter, **fields)
    assert refused.value.field == field


def test_an_archived_document_and_one_of_an_archived_client_are_only_read(marta, northwind, letter):
    services.archive_document(acting(marta), document=letter, now=NOW)
    letter.refresh_from_db()
    with pytest.raises(PermissionDenied, match="archived"):
        services.update_document(acting(marta), document=letter, title="x")
    services.restore_document(acting(marta), document=letter)
    archive_client(acting(marta), client=northwind, now=NOW)
    letter = Document.objects.select_related("client").get(pk=letter.pk)
    with pytest.raises(PermissionDenied):
        services.set_document_shared(acting(marta), document=letter, is_shared=True)


# The tab


def url(northwind):
    return reverse("clients:client_documents", args=[northwind.pk])


def test_the_tab_teaches_then_lists_the_newest_first(client, marta, northwind):
    client.force_login(marta)
    page = client.get(url(northwind)).content.decode()
    assert "No documents yet" in page and "you are told 30 days before" in " ".join(page.split())
    make_document(actor=marta, client=northwind, name="first one.pdf", now=NOW - timedelta(days=1))
    make_document(actor=marta, client=northwind, name="second one.pdf", is_shared=True)
    page = client.get(url(northwind)).content.decode()
    assert page.index("second one") < page.index("first one")
    assert "May be shared with the client" in page


def test_several_files_at_once_without_javascript(client, marta, northwind):
    client.force_login(marta)
    address = reverse("clients:document_upload", args=[northwind.pk])
    answer = client.post(address, {"files": [file("a.pdf"), file("b.png", PNG)], "kind": "report"}, follow=True)
    assert answer.redirect_chain[-1][0] == url(northwind)
    assert "2 documents added" in answer.content.decode()
    assert {*northwind.documents.values_list("title", "kind")} == {("a", "report"), ("b", "report")}


def test_a_refused_file_is_named_and_the_others_are_kept(client, marta, northwind):
    client.force_login(marta)
    address = reverse("clients:document_upload", args=[northwind.pk])
    answer = client.post(address, {"files": [file("a.pdf"), file("b.pdf", b"MZ program")], "kind": "report"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "“b.pdf” is a program" in page and "1 document added" in page
    assert '<option value="report" selected>' in page
    assert northwind.documents.get().title == "a"


def test_nothing_chosen_is_said(client, marta, northwind):
    client.force_login(marta)
    answer = client.post(reverse("clients:document_upload", args=[northwind.pk]), {"kind": "report"})
    assert answer.status_code == 422 and "Choose one or more files." in answer.content.decode()


def test_one_file_from_the_page_is_answered_with_its_row(client, marta, northwind):
    client.force_login(marta)
    address, asks = reverse("clients:document_upload", args=[northwind.pk]), {"HX-Request": "true"}
    row = client.post(address, {"files": file("a.pdf")}, headers=asks)
    assert row.status_code == 200 and row.content.decode().strip().startswith("<li")
    assert northwind.documents.get().get_absolute_url() in row.content.decode()
    refused = client.post(address, {"files": file("<b>.pdf", b"x")}, headers=asks)
    assert refused.status_code == 422 and "“&lt;b&gt;.pdf” is not a PDF" in refused.content.decode()


def test_a_file_that_is_too_large_is_refused(client, marta, northwind, settings):
    settings.DOCUMENT_MAX_BYTES = 1000
    client.force_login(marta)
    answer = client.post(reverse("clients:document_upload", args=[northwind.pk]), {"files": file("a.pdf", PDF * 100)})
    assert answer.status_code == 422 and "A file may have up to 1000" in answer.content.decode()
    assert not StoredFile.objects.exists()


def test_a_storage_that_takes_nothing_is_said_and_keeps_nothing(client, marta, northwind, settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    options = {"location": blocked}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": options}
    }
    client.force_login(marta)
    answer = client.post(reverse("clients:document_upload", args=[northwind.pk]), {"files": file()})
    assert answer.status_code == 422 and "could not be stored" in answer.content.decode()
    assert not StoredFile.objects.exists() and not Document.objects.exists()


# The page and its files


def test_the_page_shows_versions_facts_and_a_preview(client, marta, letter):
    client.force_login(marta)
    page = client.get(letter.get_absolute_url()).content.decode()
    assert f"/documents/{letter.pk}/versions/1/preview/" in page and "<iframe" in page
    assert "Engagement letter" in page and "Version 1" in page and "Internal only" in page


def test_an_image_is_shown_and_other_files_are_not(client, marta, northwind):
    client.force_login(marta)
    image = make_document(actor=marta, client=northwind, name="scan.png", data=PNG)
    text = make_document(actor=marta, client=northwind, name="notes.txt", data=b"Notes")
    assert "<img src=" in client.get(image.get_absolute_url()).content.decode()
    page = client.get(text.get_absolute_url()).content.decode()
    assert "Browsers cannot show this kind of file" in page and "/preview/" not in page
    assert client.get(reverse("clients:document_preview", args=[text.pk, 1])).status_code == 404


def test_a_preview_is_a_frame_of_ours_that_can_do_nothing(client, marta, northwind, letter):
    client.force_login(marta)
    answer = client.get(reverse("clients:document_preview", args=[letter.pk, 1]))
    assert b"".join(answer.streaming_content) == PDF
    assert answer["Content-Type"] == "application/pdf" and answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == 'inline; filename="engagement_letter.pdf"'
    assert answer["X-Frame-Options"] == "SAMEORIGIN" and answer["Cache-Control"] == "no-store"
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'self'" in policy and "script-src" not in policy
    image = make_document(actor=marta, client=northwind, name="scan.png", data=PNG)
    assert "sandbox" in client.get(reverse("clients:document_preview", args=[image.pk, 1]))["Content-Security-Policy"]


def test_a_download_is_saved_under_a_safe_name_whatever_it_is(client, marta, northwind):
    client.force_login(marta)
    page = make_document(
        actor=marta, client=northwind, name='../Über "uns"\r\n\u202e.html', data=b"<html><script>alert(1)</script>"
    )
    answer = client.get(reverse("clients:document_file", args=[page.pk, 1]))
    assert answer["Content-Type"] == "application/octet-stream" and "sandbox" in answer["Content-Security-Policy"]
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''%C3%9Cber%20%27uns%27.html"
    assert answer["Content-Length"] == str(page.file.size)
    assert b"".join(answer.streaming_content) == b"<html><script>alert(1)</script>"


def test_a_file_that_is_gone_from_the_disk_is_not_there(client, marta, letter):
    client.force_login(marta)
    default_storage.delete(letter.file.path)
    assert client.get(reverse("clients:document_file", args=[letter.pk, 1])).status_code == 404
    assert client.get(reverse("clients:document_file", args=[letter.pk, 9])).status_code == 404
    assert client.get(reverse("clients:document_file", args=[letter.pk, 10**12])).status_code == 404


def test_a_version_is_added_on_its_page(client, marta, letter):
    client.force_login(marta)
    address = reverse("clients:document_version_add", args=[letter.pk])
    assert client.get(address).status_code == 200
    refused = client.post(address, {"file": file("v2.pdf", PNG), "remark": "Signed"})
    assert refused.status_code == 422
    assert "is not a PDF" in refused.content.decode() and 'value="Signed"' in refused.content.decode()
    done = client.post(address, {"file": file("v2.png", PNG), "remark": "Signed"}, follow=True)
    assert "Version 2 added" in done.content.decode() and "Signed" in done.content.decode()
    part = client.post(address, {"remark": "x"}, headers={"HX-Request": "true"})
    assert part.status_code == 422 and part.content.decode().strip().startswith("<form")


def test_it_is_edited_and_a_clash_is_shown(client, marta, letter):
    client.force_login(marta)
    address = reverse("clients:document_edit", args=[letter.pk])
    given = {"title": "Letter", "kind": "contract", "expiry_date": "2027-01-31", "note": "Signed", "version": "1"}
    assert client.post(address, given).status_code == 302
    letter.refresh_from_db()
    assert (letter.title, str(letter.expiry_date), letter.note) == ("Letter", "2027-01-31", "Signed")
    seen = {f"initial-{name}": value for name, value in (("title", "engagement letter"), ("kind", "engagement"))}
    clash = client.post(address, given | seen | {"title": "Another", "seen": "1", "version": "1"})
    assert clash.status_code == 409 and "Another" in clash.content.decode()
    wrong = client.post(address, given | {"title": "", "version": "2"})
    assert wrong.status_code == 422


def test_sharing_is_a_mark_that_can_be_undone(client, marta, letter):
    client.force_login(marta)
    page = client.post(reverse("clients:document_share", args=[letter.pk]), follow=True).content.decode()
    assert "May be shared" in page and reverse("clients:document_unshare", args=[letter.pk]) in page
    letter.refresh_from_db()
    assert letter.is_shared
    again = client.post(reverse("clients:document_share", args=[letter.pk]), follow=True)
    assert "Nothing to change." in again.content.decode()
    client.post(reverse("clients:document_unshare", args=[letter.pk]))
    letter.refresh_from_db()
    assert not letter.is_shared


def test_archiving_can_be_undone(client, marta, northwind, letter):
    client.force_login(marta)
    page = client.post(reverse("clients:document_archive", args=[letter.pk]), follow=True).content.decode()
    assert "Document archived" in page and "engagement letter" not in page
    assert "Archived on" in client.get(letter.get_absolute_url()).content.decode()
    assert "engagement letter" in client.get(url(northwind) + "?archived=1").content.decode()
    client.post(reverse("clients:document_restore", args=[letter.pk]))
    assert "engagement letter" in client.get(url(northwind)).content.decode()


# The firm's list, search and file


@pytest.fixture
def papers(marta, northwind):
    days = {"valid": 60, "soon": 30, "today": 0, "expired": -1}
    for name, left in days.items():
        make_document(actor=marta, client=northwind, name=f"{name}.pdf", expiry_date=TODAY + timedelta(days=left))
    make_document(actor=marta, client=northwind, name="endless.pdf", kind="tax", is_shared=True)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", {"valid", "soon", "today", "expired", "endless"}),
        ("?expiry=soon", {"soon", "today"}),
        ("?expiry=expired", {"expired"}),
        ("?expiry=dated", {"valid", "soon", "today", "expired"}),
        ("?expiry=none", {"endless"}),
        ("?kind=tax", {"endless"}),
        ("?shared=1", {"endless"}),
        ("?shared=0", {"valid", "soon", "today", "expired"}),
        ("?q=ENDLESS", {"endless"}),
        ("?owner=me", {"valid", "soon", "today", "expired", "endless"}),
        ("?expires_before=2026-11-20", {"expired"}),
    ],
)
def test_the_firms_list_is_filtered(client, marta, papers, query, wanted, time_machine):
    time_machine.move_to(NOW)
    client.force_login(marta)
    answer = client.get(reverse("clients:documents-export") + query)
    rows = [*csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))]
    assert {row[0] for row in rows[1:]} == wanted
    page = client.get(reverse("clients:documents") + query)
    assert {row.title for row in page.context["page"].rows} == wanted


def test_selected_documents_are_marked_and_one_undo_brings_them_back(client, marta, papers):
    client.force_login(marta)
    data = {"action": "documents.share", "all_matching": "1"}
    page = client.post(reverse("clients:documents-select"), data, follow=True).content.decode()
    assert "4 changed" in page and "1 not changed: Nothing to change." in page
    assert Document.objects.filter(is_shared=True).count() == 5


def test_the_palette_finds_it_by_its_title(marta, northwind, letter):
    def hits(user, text):
        return [hit for group in sources.find(acting(user), text, only="documents") for hit in group.hits]

    (hit,) = hits(marta, "ENGAG lett")
    assert (hit.url, hit.client, hit.kind) == (letter.get_absolute_url(), "Northwind Advisory", "Engagement letter")
    stranger = make_user(name="Sofia Strand")
    restrict_client(acting(marta), client=northwind, users=[])
    assert not hits(stranger, "engagement")
    services.archive_document(acting(marta), document=letter, now=NOW)
    assert not hits(marta, "engagement")


def test_a_page_of_documents_costs_few_statements(client, marta, northwind, django_assert_max_num_queries):
    for number in range(30):
        make_document(actor=marta, client=northwind, name=f"{number}.pdf")
    client.force_login(marta)
    client.get(reverse("clients:documents"))
    with django_assert_max_num_queries(8):
        assert len(client.get(reverse("clients:documents")).context["page"].rows) == 25
    with django_assert_max_num_queries(10):
        client.get(url(northwind))


# Expiry


def test_the_account_manager_is_told_once_thirty_days_before(marta, northwind, papers):
    assert services.send_expiry_reminders(TODAY) == 2
    assert services.send_expiry_reminders(TODAY) == 0
    told = Notification.objects.filter(user=marta, client_id=northwind.pk).order_by("pk")
    assert [row.text for row in told] == [
        "“today” expires on 20 Nov 2026 · Northwind Advisory",
        "“soon” expires on 20 Dec 2026 · Northwind Advisory",
    ]
    assert told[0].url == Document.objects.get(title="today").get_absolute_url()
    assert services.send_expiry_reminders(TODAY + timedelta(days=30)) == 1  # “valid” has come near


def test_a_new_date_and_a_new_account_manager_are_told_of(marta, northwind, papers):
    services.send_expiry_reminders(TODAY)
    soon = Document.objects.get(title="soon")
    services.update_document(acting(marta), document=soon, expiry_date=TODAY + timedelta(days=20))
    assert services.send_expiry_reminders(TODAY) == 1
    jonas = make_user(name="Jonas Berg")
    reassign_clients(acting(marta), clients=[northwind], owner=jonas)
    assert services.send_expiry_reminders(TODAY) == 2
    assert Notification.objects.filter(user=jonas).exclude(kind="handed").count() == 2


def test_today_lists_what_expires_and_leads_to_the_same_list(client, marta, northwind, papers, time_machine):
    time_machine.move_to(NOW)
    client.force_login(marta)
    card = client.get(reverse("interactions:today")).content.decode()
    assert "Documents expiring" in card and "Expires today" in card and "Expires in 30 days" in card
    assert "expired" not in card.partition("Documents expiring")[2].partition("</section>")[0]
    listed = client.get(reverse("clients:documents") + "?expiry=soon&owner=me")
    assert [row.title for row in listed.context["page"].rows] == ["today", "soon"]
    jonas = make_user(name="Jonas Berg")
    client.force_login(jonas)
    assert "Documents expiring" not in client.get(reverse("interactions:today")).content.decode()


def test_nobody_is_told_of_what_is_archived_or_in_the_hands_of_somebody_who_left(marta, northwind, papers):
    for row in Document.objects.all():
        services.archive_document(acting(marta), document=row, now=NOW)
    assert services.send_expiry_reminders(TODAY) == 0
    for row in Document.objects.all():
        services.restore_document(acting(marta), document=row)
    User.objects.filter(pk=marta.pk).update(is_active=False)
    assert services.send_expiry_reminders(TODAY) == 0
    User.objects.filter(pk=marta.pk).update(is_active=True)
    archive_client(SYSTEM, client=northwind, now=NOW)
    assert services.send_expiry_reminders(TODAY) == 0


# The demo


def test_the_demos_documents_go_with_it_and_their_files_too(marta, django_capture_on_commit_callbacks):
    demo = make_client(owner=marta, name="Demo", is_demo=True)
    ours = make_document(actor=marta, client=make_client(owner=marta, name="Ours"))
    gone = make_document(actor=marta, client=demo)
    with django_capture_on_commit_callbacks(execute=True):
        remove(now=NOW)
    assert [*Document.objects.all()] == [ours] and [*StoredFile.objects.all()] == [ours.file]
    assert not default_storage.exists(gone.file.path) and default_storage.exists(ours.file.path)
