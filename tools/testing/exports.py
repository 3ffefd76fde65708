"""A small firm as five products would export it: 25 companies, 60 people, 40 deals, 50 notes and 30 tasks. All names are invented.

`files(product)` gives {name of the file: its bytes}, the same each time. In each export: a header that comes twice, a note of several
lines and one in HTML, an owner whom nobody here knows; where the product has it, ids in two forms or joined by a semicolon.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

COMPANIES, PEOPLE, DEALS, NOTES, TASKS = 25, 60, 40, 50, 30
FIRST, LAST = (
    ("Aino", "Björn", "Chloé", "Dario", "Elsa", "Farid"),
    ("Aalto", "Berg", "Castel", "Dorn", "Ekman", "Fabri", "Gold"),
)
PLACES = (("Turku", "FI"), ("Graz", "AT"), ("Lyon", "FR"), ("Malmö", "SE"), ("Gent", "BE"))
OWNERS = ("Otto Berg", "Ines Mora", "Zelda Unknown")
STAGES = ("Proposal", "Closed Won", "Closed Lost")
DAY = date(2026, 3, 2)
Rows = Iterable[Iterable[object]]


@dataclass(frozen=True)
class Person:
    n: int
    first: str
    last: str
    company: int

    @property
    def mail(self) -> str:
        return f"p{self.n}@firm{self.company}.example"


def company(n: int) -> str:
    return f"Firm {n:02} Oy"


def person(n: int) -> Person:
    return Person(n, FIRST[n % len(FIRST)], f"{LAST[n % len(LAST)]}{n}", n % COMPANIES)


def day(n: int) -> str:
    return (DAY + timedelta(days=n)).isoformat()


def owner(n: int) -> str:
    return OWNERS[n % len(OWNERS)]


def note(n: int, *, is_html: bool) -> str:
    if n == 0:
        return "First line.\nSecond line; with “quotes”, and a comma."
    return (
        f"<p>Call {n}</p><ul><li>one</li><li>two &amp; three</li></ul>"
        if n % 5 == 1 and is_html
        else f"Talked about matter {n}."
    )


def written(header: Iterable[str], rows: Rows, *, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def head(text: str) -> list[str]:
    """The columns in a text; a line ends with a comma that belongs to no column."""
    return text.strip().replace(",\n", ",").split(",")


# Salesforce: ids of 18 characters in its own file, some of 15 in others


def _case(short: str) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    ends = (sum(letter.isupper() << at for at, letter in enumerate(short[start : start + 5])) for start in (0, 5, 10))
    return short + "".join(letters[end] for end in ends)


def _sf(prefix: str, n: int, *, is_short: bool = False) -> str:
    short = f"{prefix}aB{n:010}"
    return short if is_short else _case(short)


def salesforce() -> dict[str, bytes]:
    account = """
ID,ISDELETED,MASTERRECORDID,NAME,TYPE,PARENTID,BILLINGSTREET,BILLINGCITY,BILLINGPOSTALCODE,BILLINGCOUNTRY,
SHIPPINGCITY,PHONE,FAX,WEBSITE,INDUSTRY,ANNUALREVENUE,NUMBEROFEMPLOYEES,DESCRIPTION,OWNERID,Owner Name,
CREATEDDATE,SYSTEMMODSTAMP,LASTACTIVITYDATE,KEY_FACT__C,NAME
"""
    accounts = [
        [
            _sf("001", n),
            "false",
            "",
            company(n),
            "Customer" if n % 2 else "Prospect",
            _sf("001", 0) if n == 7 else "",
            f"Road {n}",
            PLACES[n % 5][0],
            f"{10000 + n}",
            PLACES[n % 5][1],
            "Elsewhere",
            f"+358 40 55500{n:02}",
            "",
            f"https://firm{n}.example",
            "Services",
            1000 * n,
            n,
            f"Account {n}",
            f"005aB{n % 3:010}",
            owner(n),
            f"{day(0)}T08:00:00.000Z",
            f"{day(1)}T08:00:00.000Z",
            "",
            "x",
            "again",
        ]
        for n in range(COMPANIES)
    ]
    accounts.append([_sf("001", 999), "true", "", "Deleted Oy", *[""] * 21])
    contact = """
Id,IsDeleted,AccountId,LastName,FirstName,Salutation,MailingCity,MailingCountry,Phone,MobilePhone,ReportsToId,
Email,Title,Department,Birthdate,Description,OwnerId,HasOptedOutOfEmail,CreatedDate,SystemModstamp
"""
    contacts = [
        [
            _sf("003", p.n),
            "false",
            _sf("001", p.company, is_short=p.n % 2 == 0),
            p.last,
            p.first,
            "Ms.",
            "Turku",
            "FI",
            f"+358 9 12300{p.n:02}",
            "",
            "",
            p.mail,
            "Director",
            "",
            "",
            "",
            "005aB0000000000",
            "false",
            f"{day(0)}T08:00:00.000Z",
            f"{day(0)}T08:00:00.000Z",
        ]
        for p in map(person, range(PEOPLE))
    ]
    deal = """
ID,ISDELETED,ACCOUNTID,NAME,DESCRIPTION,STAGENAME,AMOUNT,PROBABILITY,EXPECTEDREVENUE,CLOSEDATE,TYPE,NEXTSTEP,
LEADSOURCE,ISCLOSED,ISWON,FORECASTCATEGORY,OWNERID,Owner Name,CREATEDDATE,SYSTEMMODSTAMP,FISCALYEAR
"""
    deals = [
        [
            _sf("006", n),
            "false",
            _sf("001", n % COMPANIES),
            f"Deal {n}",
            "",
            STAGES[n % 3],
            f"{1000 + n}.50",
            40,
            400,
            day(n),
            "New Business",
            "Call",
            "Web",
            "false",
            "false",
            "Pipeline",
            "005aB0000000000",
            owner(n),
            f"{day(0)}T08:00:00.000Z",
            f"{day(1)}T08:00:00.000Z",
            2026,
        ]
        for n in range(DEALS)
    ]
    event = """
Id,WhoId,WhatId,Subject,Location,IsAllDayEvent,ActivityDateTime,DurationInMinutes,StartDateTime,EndDateTime,
Description,AccountId,OwnerId,Type
"""
    events = [
        [
            _sf("00U", n),
            _sf("003", n % PEOPLE),
            _sf("006", n) if n % 2 and n < DEALS else "",
            f"Meeting {n}",
            "",
            "false",
            f"{day(n)}T09:30:00.000Z",
            30,
            f"{day(n)}T09:30:00.000Z",
            f"{day(n)}T10:00:00.000Z",
            note(n, is_html=False),
            "" if n % 3 else _sf("001", person(n % PEOPLE).company),
            "005aB0000000000",
            "",
        ]
        for n in range(NOTES)
    ]
    task = """
Id,WhoId,WhatId,Subject,ActivityDate,Status,Priority,IsHighPriority,OwnerId,Owner Name,Description,IsDeleted,
AccountId,IsClosed,CreatedDate,SystemModstamp,CompletedDateTime,TaskSubtype
"""
    tasks = [
        [
            _sf("00T", n),
            "",
            _sf("006", n),
            f"Task {n}",
            day(n),
            "Completed" if n % 2 else "Not Started",
            "High",
            "true",
            "005aB0000000000",
            owner(n),
            "Do it",
            "false",
            "",
            "false",
            f"{day(0)}T08:00:00.000Z",
            f"{day(0)}T08:00:00.000Z",
            f"{day(n)}T12:00:00.000Z" if n % 2 else "",
            "Call" if n % 5 else "Task",
        ]
        for n in range(TASKS)
    ]
    return {
        "Account.csv": written(head(account), accounts, encoding="latin-1"),
        "Contact.csv": written(head(contact), contacts, encoding="latin-1"),
        "Opportunity.csv": written(head(deal), deals),
        "Event.csv": written(head(event), events),
        "Task.csv": written(head(task), tasks),
    }


# HubSpot: a mark of the encoding, times without a zone, ids joined by ;, the contacts in Spanish


def hubspot() -> dict[str, bytes]:
    companies = [
        [
            9000 + n,
            company(n),
            f"firm{n}.example",
            owner(n),
            f"+358 40 55500{n:02}",
            PLACES[n % 5][0],
            "",
            f"{10000 + n}",
            PLACES[n % 5][1],
            "Services",
            n,
            1000,
            f"Account {n}",
            f"{day(0)} 08:00",
            "",
            "",
            "Customer" if n % 2 else "Lead",
        ]
        for n in range(COMPANIES)
    ]
    contacts = [
        [
            100 + p.n,
            p.first,
            p.last,
            p.mail,
            "Directora",
            "Turku",
            "FI",
            f"+358 9 12300{p.n:02}",
            owner(p.n),
            3,
            "",
            "",
            f"{day(0)} 08:00",
            "",
            f"{9000 + p.company};{9000 + (p.company + 1) % COMPANIES}" if p.n % 10 == 3 else 9000 + p.company,
        ]
        for p in map(person, range(PEOPLE))
    ]
    deals = [
        [
            5000 + n,
            f"Deal {n}",
            "Sales Pipeline",
            STAGES[n % 3],
            f"{1000 + n}.50",
            f"{day(n)} 10:00",
            f"{day(0)} 08:00",
            "",
            owner(n),
            "New Business",
            "",
            9000 + n % COMPANIES,
            company(n % COMPANIES),
            f"{100 + n % PEOPLE};{100 + (n + 25) % PEOPLE}",
        ]
        for n in range(DEALS)
    ]
    notes = [
        [
            7000 + n,
            note(n, is_html=True),
            f"{day(n)} 09:30",
            owner(n),
            "",
            f"{100 + n % PEOPLE}",
            5000 + n if n < DEALS and n % 2 else "",
        ]
        for n in range(NOTES)
    ]
    tasks = [
        [
            8000 + n,
            f"Task {n}",
            "Do it",
            f"{day(n)} 12:00",
            "Completed" if n % 2 else "Not started",
            "High",
            owner(n),
            9000 + n % COMPANIES,
            "",
        ]
        for n in range(TASKS)
    ]
    mark = "utf-8-sig"
    return {
        "hubspot-crm-exports-companies.csv": written(
            head("""
Record ID,Company name,Company Domain Name,Company owner,Phone Number,City,State/Region,Postal Code,
Country/Region,Industry,Number of Employees,Annual Revenue,Description,Create Date,Last Activity Date,
LinkedIn Company Page,Lifecycle Stage
"""),
            companies,
            encoding=mark,
        ),
        "hubspot-crm-exports-contactos.csv": written(
            head("""
ID de registro,Nombre,Apellidos,Correo,Cargo,Ciudad,País/región,Número de teléfono,Propietario del contacto,
Número de veces contactado,Último contacto,Última actividad,Fecha de creación,Correo,
Associated Company IDs (Primary)
"""),
            contacts,
            encoding=mark,
        ),
        "hubspot-crm-exports-deals.csv": written(
            head("""
Record ID,Deal Name,Pipeline,Deal Stage,Amount,Close Date,Create Date,Last Activity Date,Deal owner,Deal Type,
Closed Lost Reason,Associated Company IDs (Primary),Associated Company (Primary),Associated Contact IDs
"""),
            deals,
            encoding=mark,
        ),
        "hubspot-crm-exports-notes.csv": written(
            head("""
Record ID,Note body,Activity date,Activity assigned to,Associated Company IDs,Associated Contact IDs,
Associated Deal IDs
"""),
            notes,
            encoding=mark,
        ),
        "hubspot-crm-exports-tasks.csv": written(
            head("""
Record ID,Task Title,Task Notes,Due date,Task Status,Priority,Assigned to,Associated Company IDs,
Associated Contact IDs
"""),
            tasks,
            encoding=mark,
        ),
    }


# Zoho: ids with a prefix in some files only, pairs of id and name


def zoho() -> dict[str, bytes]:
    def z(of: int, n: int, *, is_bare: bool = False) -> str:
        return f"{'' if is_bare else 'zcrm_'}{of}00000{n:04}"

    accounts = [
        [
            z(1, n),
            z(9, n % 3),
            owner(n),
            company(n),
            f"+358 40 55500{n:02}",
            "",
            "",
            f"firm{n}.example",
            "Customer" if n % 2 else "Prospect",
            "Services",
            n,
            1000,
            f"Account {n}",
            "",
            "",
            "",
            "",
            f"{day(0)} 08:00:00",
            f"{day(0)} 08:00:00",
            f"Road {n}",
            PLACES[n % 5][0],
            "",
            f"{10000 + n}",
            PLACES[n % 5][1],
            "",
            "",
            "again",
        ]
        for n in range(COMPANIES)
    ]
    contacts = [
        [
            z(2, p.n),
            z(9, 0),
            owner(p.n),
            "Web",
            p.first,
            p.last,
            z(1, p.company, is_bare=p.n % 2 == 0),
            company(p.company),
            "",
            "",
            p.mail,
            "Director",
            "",
            f"+358 9 12300{p.n:02}",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
            f"{day(0)} 08:00:00",
            f"{day(0)} 08:00:00",
            f"{p.first} {p.last}",
            "",
            "Turku",
            "",
            "20100",
            "FI",
            "",
            "false",
            "Ms.",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ]
        for p in map(person, range(PEOPLE))
    ]
    deals = [
        [
            z(3, n),
            z(9, 0),
            owner(n),
            f"{1000 + n}.50",
            f"Deal {n}",
            day(n),
            z(1, n % COMPANIES),
            company(n % COMPANIES),
            STAGES[n % 3],
            "New Business",
            40,
            "Call",
            "Web",
            z(2, n % PEOPLE),
            "x",
            "",
            "",
            "",
            "",
            f"{day(0)} 08:00:00",
            f"{day(0)} 08:00:00",
            "",
            "",
            "Standard",
            "",
        ]
        for n in range(DEALS)
    ]
    notes = [
        [
            z(4, n),
            "",
            "",
            owner(n),
            f"{day(n)} 09:30:00",
            "",
            "",
            "",
            note(n, is_html=True),
            "",
            owner(n),
            f"Note {n}",
            z(*((2, n % PEOPLE) if n % 2 else (3, n % DEALS))),
            "x",
        ]
        for n in range(NOTES)
    ]
    tasks = [
        [
            z(5, n),
            f"Task {n}",
            day(n),
            "Completed" if n % 2 else "Not Started",
            "High",
            z(1, n % COMPANIES),
            "",
            "",
            "Do it",
            f"{day(n)} 12:00:00" if n % 2 else "",
            "",
            "",
            owner(n),
        ]
        for n in range(TASKS)
    ]
    return {
        "Accounts_2026_03_02.csv": written(
            head("""
Record Id,Account Owner.id,Account Owner,Account Name,Phone,Parent Account.id,Parent Account,Website,
Account Type,Industry,Employees,Annual Revenue,Description,Created By.id,Created By,Modified By.id,
Modified By,Created Time,Modified Time,Billing Street,Billing City,Billing State,Billing Code,Billing Country,
Locked,Last Activity Time,Phone
"""),
            accounts,
        ),
        "Contacts_2026_03_02.csv": written(
            head("""
Record Id,Contact Owner.id,Contact Owner,Lead Source,First Name,Last Name,Account Name.id,Account Name,
Vendor Name.id,Vendor Name,Email,Title,Department,Phone,Fax,Mobile,Date of Birth,Created By.id,Created By,
Modified By.id,Modified By,Created Time,Modified Time,Contact Name,Mailing Street,Mailing City,Mailing State,
Mailing Zip,Mailing Country,Description,Email Opt Out,Salutation,Secondary Email,Currency,Exchange Rate,
Last Activity Time,Tag,Reporting To.id,Reporting To
"""),
            contacts,
        ),
        "Deals_2026_03_02.csv": written(
            head("""
Record Id,Deal Owner.id,Deal Owner,Amount,Deal Name,Closing Date,Account Name.id,Account Name,Stage,Type,
Probability (%),Next Step,Lead Source,Contact Name.id,Contact Name,Created By.id,Created By,Modified By.id,
Modified By,Created Time,Modified Time,Description,Last Activity Time,Pipeline,Reason For Loss
"""),
            deals,
        ),
        "Notes_2026_03_02.csv": written(
            head("""
Record Id,Associated_Id,Created By.id,Created By,Created Time,Modified By.id,Modified By,Modified Time,
Note Content,Note Owner.id,Note Owner,Note Title,Parent ID.id,Parent ID
"""),
            notes,
        ),
        "Tasks_2026_03_02.csv": written(
            head("""
Record Id,Subject,Due Date,Status,Priority,Related To.id,Contact Name.id,Task Owner.id,Description,
Closed Time,Created Time,Modified Time,Task Owner
"""),
            tasks,
        ),
    }


# Pipedrive: the people in French, notes in HTML; who belongs where is told by name in people, by id elsewhere


def pipedrive() -> dict[str, bytes]:
    organizations = [
        [
            10 + n,
            company(n),
            f"Road {n}",
            owner(n),
            2,
            f"{10000 + n}",
            1,
            f"Road {n}, {PLACES[n % 5][0]}",
            "",
            "",
            PLACES[n % 5][0],
            f"{day(0)} 08:00:00",
            0,
            0,
            1,
            "again",
        ]
        for n in range(COMPANIES)
    ]
    people = [
        [
            500 + p.n,
            f"{p.first} {p.last}",
            p.first,
            p.last,
            p.mail,
            "",
            "",
            company(p.company),
            1,
            "",
            owner(p.n),
            f"+358 9 12300{p.n:02}",
            "",
            "",
            "",
            "Directrice",
        ]
        for p in map(person, range(PEOPLE))
    ]
    deals = [
        [
            700 + n,
            f"Deal {n}",
            "x",
            owner(n),
            f"{1000 + n}.50",
            "EUR",
            400,
            "EUR",
            40,
            company(n % COMPANIES),
            10 + n % COMPANIES,
            "Pipeline",
            "x",
            500 + n % PEOPLE,
            "Proposal",
            "",
            ("Open", "Won", "Lost")[n % 3],
            f"{day(0)} 08:00:00",
            f"{day(0)} 08:00:00",
            "",
            "",
            "",
            f"{day(n)} 10:00:00",
            "",
            day(n),
            "",
            3,
        ]
        for n in range(DEALS)
    ]
    notes = [
        [
            800 + n,
            note(n, is_html=True),
            "",
            "",
            "x",
            500 + n % PEOPLE,
            "x",
            700 + n if n < DEALS and n % 2 else "",
            f"{day(n)} 09:30:00",
            f"{day(n)} 09:30:00",
            owner(n),
            "No",
            "No",
            "No",
        ]
        for n in range(NOTES)
    ]
    activities = [
        [
            900 + n,
            f"Task {n}",
            "call",
            day(n),
            "12:30",
            "00:30",
            "Done" if n % 2 else "To do",
            "<p>Do it</p>",
            owner(n),
            f"Deal {n}",
            company(n % COMPANIES),
            "x",
            f"{day(0)} 08:00:00",
            "",
            f"{day(n)} 12:00:00" if n % 2 else "",
        ]
        for n in range(TASKS)
    ]
    return {
        "organizations.csv": written(
            head("""
Organization - ID,Organization - Name,Organization - Street/road name of Address,Organization - Owner,
Organization - People,Organization - ZIP/Postal code of Address,Organization - Open deals,
Organization - Full/combined address of Address,Organization - Last activity date,Organization - Parent,
Organization - City/town/village/locality of Address,Organization - Organization created,
Organization - Closed deals,Organization - Lost deals,Organization - Won deals,Organization - Name
"""),
            organizations,
        ),
        "personnes.csv": written(
            head("""
Personne - ID,Personne - Nom,Personne - Prénom,Personne - Nom de famille,Personne - E-mail - Travail,
Personne - E-mail - Domicile,Personne - E-mail - Autre,Personne - Organisation,Personne - Affaires ouvertes,
Personne - Date de la dernière activité,Personne - Propriétaire,Personne - Téléphone - Travail,
Personne - Téléphone - Domicile,Personne - Téléphone - Mobile,Personne - Téléphone - Autre,
Personne - Fonction
"""),
            people,
            delimiter=";",
        ),
        "deals.csv": written(
            head("""
ID,Title,Creator,Owner,Value,Currency of Value,Weighted value,Currency of Weighted value,Probability,
Organization,Organization ID,Pipeline,Contact person,Contact person ID,Stage,Label,Status,Deal created,
Update time,Last stage change,Next activity date,Last activity date,Won time,Lost time,Expected close date,
Lost reason,Total activities
"""),
            deals,
        ),
        "notes.csv": written(
            head("""
ID,Content,Organization,Organization ID,Contact person,Contact person ID,Deal title,Deal ID,Add time,
Update time,User,Note is pinned to deal,Note is pinned to organization,Note is pinned to person
"""),
            notes,
        ),
        "activities.csv": written(
            head("""
Activity - ID,Subject,Type,Due date,Due time,Duration,Done,Note,Assigned to user,Deal,Organization,
Contact person,Add time,Update time,Marked as done time
"""),
            activities,
        ),
    }


# monday: boards as tables (the structure of its XLSX files is the reader's matter); links by name


def monday() -> dict[str, bytes]:
    accounts = [
        [
            company(n),
            f"firm{n}.example",
            "Services",
            f"Account {n}",
            n,
            PLACES[n % 5][0],
            "",
            "",
            "Top",
            owner(n),
            3000 + n,
        ]
        for n in range(COMPANIES)
    ]
    contacts = [
        [
            f"{p.first} {p.last}",
            p.mail,
            f"+358 9 12300{p.n:02}",
            company(p.company),
            "",
            "Director",
            "High",
            "",
            "Active",
            4000 + p.n,
        ]
        for p in map(person, range(PEOPLE))
    ]
    deals = [
        [
            f"Deal {n}",
            STAGES[n % 3],
            owner(n),
            f"{1000 + n}.50",
            "x",
            company(n % COMPANIES),
            day(n),
            40,
            "400",
            "Active",
            5000 + n,
        ]
        for n in range(DEALS)
    ]
    activities = [
        [
            f"Task {n}",
            "Call summary" if n % 2 else "Meeting",
            f"{day(n)} 11:00",
            f"{day(n)} 11:30",
            company(n % COMPANIES),
            owner(n),
            "Did it",
            "Done",
            7000 + n,
        ]
        for n in range(TASKS)
    ]
    updates = [
        [
            5000 + n % DEALS if n % 2 else 4000 + n % PEOPLE,
            "x",
            "text",
            owner(n),
            f"{day(n)} 09:30",
            note(n, is_html=True),
            0,
            "",
            6000 + n,
            "",
            "text",
        ]
        for n in range(NOTES)
    ]
    return {
        "accounts.csv": written(
            head("""
Name,Domain,Industry,Description,Number of employees,Headquarters location,Contacts,Deals,Group,Owner,
Item ID (auto generated)
"""),
            accounts,
        ),
        "contacts.csv": written(
            head("""
Name,Email,Phone,Accounts,Deals,Title,Priority,Comments,Group,Item ID (auto generated)
"""),
            contacts,
        ),
        "deals.csv": written(
            head("""
Name,Stage,Owner,Deal Value,Contacts,Accounts,Expected Close Date,Close Probability,Forecast Value,Group,
Item ID (auto generated)
"""),
            deals,
        ),
        "activities.csv": written(
            head("""
Name,Activity Type,Start time,End time,Accounts,Owner,Notes,Group,Item ID (auto generated)
"""),
            activities,
        ),
        "updates.csv": written(
            head("""
Item ID,Item Name,Content Type,User,Created At,Update Content,Likes Count,Asset IDs,Post ID,Parent Post ID,
Content Type
"""),
            updates,
        ),
    }


PRODUCTS: dict[str, Callable[[], dict[str, bytes]]] = {
    "salesforce": salesforce,
    "hubspot": hubspot,
    "zoho": zoho,
    "pipedrive": pipedrive,
    "monday": monday,
}
