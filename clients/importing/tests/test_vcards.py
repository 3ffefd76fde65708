"""Address books become contacts."""

import os
from pathlib import Path

import pytest
from django.urls import reverse

from clients.contacts.models import Affiliation, Contact
from crm.core.base.principals import acting
from crm.core.files.services import store_bytes
from crm.core.importing import kinds, planner, readers
from crm.core.importing import services as service
from crm.core.importing.tabular import UnreadableTable
from tools.testing.importing import counts, run

SAMPLES = Path(os.environ.get("RAPPORT_SAMPLE_DATA", Path(__file__).parents[4] / "shared" / "data")) / "vcards"
sample_data = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason=f"sample files are not at {SAMPLES} (RAPPORT_SAMPLE_DATA)"
)
pytestmark = pytest.mark.django_db


def card(*lines, version="3.0", end="\r\n"):
    return end.join(["BEGIN:VCARD", f"VERSION:{version}", *lines, "END:VCARD", ""])


def rows(data):
    (table,) = readers.tables("book.vcf", data if isinstance(data, bytes) else data.encode())
    return [{name: cell for name, cell in zip(table.header, row.cells, strict=True) if cell} for row in table.read()]


NEW = card(
    "UID:urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1",
    "N:Lovelace;Ada;;Dr.;",
    "FN:Dr. Ada Lovelace",
    'EMAIL;TYPE="work,internet";PREF=1:ada@alpha.example',
    "EMAIL;TYPE=home:ada@home.example",
    "TEL;TYPE=cell;VALUE=uri:tel:+358-40-123;ext=5",
    "TEL;TYPE=work,fax:+358 9 999",
    "ADR;TYPE=work:;;Street 1\\nFloor 2;Turku;;20100;Finland",
    "BDAY:19800322",
    "ORG:Alpha;Research",
    "TITLE:Engineer\\, senior",
    "CATEGORIES:friends,math",
    "URL;VALUE=uri:https\\://ada.example",
    "NOTE:Likes engines\\; not",
    "  telephones.\\nCall late.",
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQSkZJRgABAQEAYABgAAD/2wBD",
    " AAYEBQYFBAYGBQYH",
    version="4.0",
)


def test_a_card_is_a_row():
    assert rows(NEW) == [
        {
            "UID": "4fbe8971-0bc3-424c-9c26-36c3e1eff6b1",
            "First name": "Ada",
            "Last name": "Lovelace",
            "Prefix": "Dr.",
            "Company": "Alpha",
            "Department": "Research",
            "Title": "Engineer, senior",
            "Email, work": "ada@alpha.example",
            "Email, home": "ada@home.example",
            "Main email": "ada@alpha.example",
            "Phone, mobile": "+358-40-123 ext. 5",
            "Fax": "+358 9 999",
            "Address, work": "Street 1 Floor 2, Turku, 20100, Finland",
            "Birthday": "1980-03-22",
            "Website": "https://ada.example",
            "Categories": "friends,math",
            "Notes": "Likes engines; not telephones.\nCall late.",
        }
    ]


def test_cards_come_in_as_contacts_whatever_kind_was_chosen(ines, client):
    run(ines, "clients", b"Name\nAlpha\n")
    job = run(ines, "clients", NEW.encode(), name="book.vcf", system="")
    assert job.kind == "import:contacts"
    assert counts(job) == {"created": 1}
    ada = Contact.objects.get()
    assert (ada.first_name, ada.last_name, ada.salutation) == ("Ada", "Lovelace", "Dr.")
    assert [(mail.label, mail.address, mail.is_primary) for mail in ada.emails.all()] == [
        ("work", "ada@alpha.example", True),
        ("home", "ada@home.example", False),
    ]
    assert Affiliation.objects.get().title == "Engineer, senior"
    assert counts(run(ines, "contacts", NEW.encode(), name="book.vcf", system="")) == {"unchanged": 1}
    changed = NEW.replace("Lovelace;Ada", "King;Ada").encode()
    assert counts(run(ines, "contacts", changed, name="book.vcf", system="")) == {"updated": 1}


def test_the_wizard_asks_nothing_about_cards(ines, client):
    client.force_login(ines)
    file = store_bytes(acting(ines), name="book.vcf", data=NEW.encode())
    job = service.create_import(acting(ines), kind=kinds.get("clients"), file=file)
    page = client.get(reverse("core:import_columns", args=[job.pk])).text
    assert "Photos, logos and sounds are skipped (1)." in page
    assert "Encoding" not in page
    fields = {f"map_{name}": column for name, column in job.options["mapping"].items()} | {"system": "vcard"}
    answer = client.post(reverse("core:import_columns", args=[job.pk]), fields)
    assert answer.url == reverse("core:import_preview", args=[job.pk])


def test_old_cards_in_quoted_printable_and_odd_charsets():
    old = card(
        "N;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg",
        "FN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:J=F6rg M=",
        "=FCller",
        "TEL;WORK;VOICE:1",
        "TEL;WORK;FAX:2",
        "EMAIL;PREF;INTERNET:joerg@alpha.example",
        "NOTE;ENCODING=QUOTED-PRINTABLE:One=0D=0ATwo",
        version="2.1",
    )
    (row,) = rows(old)
    assert row["First name"] == "Jörg" and row["Last name"] == "Müller"
    assert (row["Phone, work"], row["Fax"], row["Notes"]) == ("1", "2", "One\nTwo")
    assert rows(card("N;CHARSET=ZLIB:Smith;Ann"))[0]["Last name"] == "Smith"


BOOK = "".join(card(f"N:Иванов{n};Пётр", "NOTE:Привет из Москвы") for n in range(5))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_a_whole_file(encoding):
    assert rows(BOOK.encode(encoding))[4]["Last name"] == "Иванов4"


def test_an_encoding_that_is_not_told_is_chosen(ines, client):
    client.force_login(ines)
    file = store_bytes(acting(ines), name="book.vcf", data=BOOK.encode("cp1251"))
    job = service.create_import(acting(ines), kind=kinds.get("contacts"), file=file)
    columns = reverse("core:import_columns", args=[job.pk])
    page = client.get(columns).text
    assert "Which of these reads right?" in page and "Иванов0" in page
    assert "Delimiter" not in page
    fields = {f"map_{name}": column for name, column in job.options["mapping"].items()} | {"system": "vcard"}
    assert client.post(columns, fields | {"encoding": "cp1251"}).status_code == 302
    job.refresh_from_db()
    header, found = planner.read_job(job)
    assert next(found).cells[header.index("Last name")] == "Иванов0"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_ends_of_lines(end):
    assert rows(card("N:Lovelace;Ada", "NOTE:a", " b", end=end))[0]["Notes"] == "ab"


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["FN:Ada Lovelace"], ("Ada", "Lovelace")),
        (["N:;;;;", "FN:Ada"], (None, "Ada")),
        (["N:", "ORG:Alpha"], (None, "Alpha")),
        (["EMAIL:ada@alpha.example"], (None, "ada@alpha.example")),
    ],
)
def test_a_card_without_a_name_is_called_by_what_it_has(lines, name):
    (row,) = rows(card(*lines))
    assert (row.get("First name"), row.get("Last name")) == name


def test_one_useless_address_leaves_the_others():
    (row,) = rows(card("N:Lovelace;Ada", "EMAIL:ada@alpha.example", "EMAIL:nobody"))
    assert (row["Email, work"], row["Unusable email"]) == ("ada@alpha.example", "nobody")


def test_a_card_within_a_card_is_left_out():
    (row,) = rows(card("N:Lovelace;Ada", "AGENT:", "BEGIN:VCARD", "N:Babbage;Charles", "END:VCARD", "TITLE:Countess"))
    assert (row["Last name"], row["Title"]) == ("Lovelace", "Countess")


def test_half_a_file_fails_its_last_card(ines):
    job = run(
        ines,
        "contacts",
        (NEW + NEW.replace("Ada", "Eve"))[:-40].encode(),
        name="a.vcf",
        mapping={"client_name": ""},
        system="",
    )
    assert counts(job) == {"created": 1, "failed": 1}
    assert "cut off" in job.report["rows"]["failed"][0]["texts"][0]


def test_signs_that_are_no_text_fail_their_card():
    (table,) = readers.tables("a.vcf", card("N:Love\0lace;Ada").encode())
    assert "not text" in [*table.read()][0].problem


def test_too_many_cards_are_refused(settings):
    settings.IMPORT_MAX_ROWS = 2
    with pytest.raises(UnreadableTable, match="more than 2 rows"):
        rows(card("N:a;b") * 3)


def test_a_calendar_is_no_address_book():
    with pytest.raises(UnreadableTable, match="calendar"):
        rows("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n")


@sample_data
@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("ANDROID", {"created": 4, "failed": 2}),  # the companies of two cards are no clients
        ("GMAIL", {"created": 1}),
        ("IPHONE", {"created": 1}),
        ("LOTUS_NOTES", {"created": 1}),
        ("MAC_ADDRESS_BOOK", {"created": 1}),
        ("MS_OUTLOOK", {"created": 1}),
    ],
)
def test_cards_of_real_programs_come_in(ines, program, expected):
    run(ines, "clients", b"Name\nIBM\n")
    data = (SAMPLES / f"John_Doe_{program}.vcf").read_bytes()
    assert counts(run(ines, "contacts", data, name="a.vcf", system="")) == expected
    again = counts(run(ines, "contacts", data, name="a.vcf", system=""))
    assert again == {"unchanged" if name == "created" else name: n for name, n in expected.items()}
    if program == "ANDROID":
        assert Contact.objects.filter(last_name="Ñ Ñ Ñ Ñ").exists()
    else:
        john = Contact.objects.get()
        assert (john.first_name.split()[0], john.last_name) == ("John", "Doe")
        assert john.emails.count() and Affiliation.objects.get().client.name == "IBM"
