"""The change feed of the API: a copy that is kept with it stays equal to a full read."""

import random
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from clients.contacts.models import Contact
from clients.contacts.services import affiliate, archive_contact, update_contact
from clients.cover.services import arrange_cover, end_cover
from clients.engagements.models import Engagement
from clients.engagements.services import records as engagements
from clients.importing.tests.test_undo import undo
from clients.records.models import Client, ClientAccess
from clients.records.services import clients as services
from clients.records.services.clients import archive_client, restrict_client, update_client
from clients.revenue.models import RevenueLine
from clients.revenue.services.lines import delete_revenue_line
from crm.core.base.errors import ServiceError
from crm.core.base.principals import SYSTEM, acting
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import firm_today
from crm.core.users.models import TeamMembership
from interactions.follow_ups.models import FollowUp
from interactions.follow_ups.services import cancel_follow_up, reassign_follow_up
from interactions.log.models import Interaction
from interactions.log.services import archive_interaction, correct_interaction
from tools.testing.factories.clients import TODAY, make_client, make_contact, make_line, make_team, make_user
from tools.testing.factories.interactions import follow_up, log
from tools.testing.importing import run

pytestmark = pytest.mark.django_db(transaction=True)
RESOURCES = ("clients", "contacts", "revenue", "engagements", "interactions", "follow-ups")


class Copy:
    """What somebody outside keeps of one resource."""

    def __init__(self, user, resource):
        self.http, self.resource, self.rows, self.cursor = Browser(), resource, {}, ""
        self.told, self.restarts, self.ids = [], 0, set()
        self.http.force_login(user)

    def ask(self, **more):
        asked = {"resource": self.resource} | ({"cursor": self.cursor} if self.cursor else {})
        return self.http.get("/api/v1/changes", asked | more)

    def poll(self, size=3):
        self.told = []
        for _page in range(500):
            answer = self.ask(page_size=size)
            if answer.status_code == 410:
                self.rows, self.cursor, self.restarts = {}, "", self.restarts + 1
                continue
            assert answer.status_code == 200, answer.content
            self._keep(answer.json())
            if not answer.json()["has_more"]:
                return self
        raise AssertionError("it never ends")

    def _keep(self, body):
        self.cursor = body["cursor"]
        for row in body["results"]:
            self.told.append(row["id"])
            self.ids.add(row["id"])
            self.rows.pop(row["id"], None)
            if not row["deleted"]:
                self.rows[row["id"]] = row["record"]

    def full(self):
        """Every row, read again from the start."""
        other = Copy.__new__(Copy)
        other.__dict__ |= {**self.__dict__, "rows": {}, "cursor": "", "told": [], "ids": set()}
        return other.poll(size=200).rows

    def agrees(self):
        assert self.rows == self.full()
        return True


def test_a_copy_gets_every_row_and_then_what_changed(marta):
    first, second = make_client(owner=marta, name="Kestrel"), make_client(owner=marta, name="Heron")
    copy = Copy(marta, "clients").poll(size=1)
    assert {row["name"] for row in copy.rows.values()} == {"Kestrel", "Heron"}
    assert "facts" not in copy.rows[first.pk]
    assert copy.poll().told == []
    update_client(acting(marta), client=first, city="Turku")
    assert copy.poll().told == [first.pk] and copy.rows[first.pk]["city"] == "Turku"
    archive_client(acting(marta), client=second, now=timezone.now())
    assert copy.poll().told == [second.pk] and set(copy.rows) == {first.pk}
    assert copy.agrees()


def copies_of(users, resources=RESOURCES):
    return [Copy(user, resource).poll() for user in users for resource in resources]


# What commits late


@contextmanager
def held_open(do):
    """`do` runs in a transaction on another connection, which commits when the block ends."""
    done, release, wrong = Event(), Event(), []

    def work():
        try:
            with transaction.atomic():
                do()
                done.set()
                release.wait(30)
        except Exception as error:
            wrong.append(error)
        finally:
            done.set()
            connection.close()

    thread = Thread(target=work)
    thread.start()
    assert done.wait(30)
    try:
        yield
    finally:
        release.set()
        thread.join(30)
    if wrong:
        raise wrong[0]


def test_what_commits_late_is_not_jumped(marta):
    copy = Copy(marta, "clients").poll()
    with held_open(lambda: make_client(owner=marta, name="Late")):
        make_client(owner=marta, name="Early")
        assert [row["name"] for row in copy.poll().rows.values()] == ["Early"]
        assert len(copy.poll().rows) == 1
    assert {row["name"] for row in copy.poll().rows.values()} == {"Early", "Late"}
    assert copy.poll().told == []


def test_what_commits_while_the_first_pages_are_read(marta):
    kestrel = make_client(owner=marta, name="Kestrel")
    with held_open(lambda: update_client(acting(marta), client=kestrel, city="Turku")):
        for name in ("Heron", "Ibis", "Jay"):
            make_client(owner=marta, name=name)
        copy = Copy(marta, "clients").poll(size=1)
        assert copy.rows[kestrel.pk]["city"] == ""
    assert copy.poll().rows[kestrel.pk]["city"] == "Turku"
    assert copy.agrees()


def test_a_savepoint_of_a_late_transaction_is_not_jumped(marta):
    """Its rows carry the number of the savepoint, which began after others had ended."""
    copy, go, wrote = Copy(marta, "clients").poll(), Event(), Event()

    def work():
        with transaction.atomic():
            make_client(owner=marta, name="First")
            wrote.set()
            go.wait(30)
            with transaction.atomic():
                make_client(owner=marta, name="Second")
        connection.close()

    thread = Thread(target=work)
    thread.start()
    assert wrote.wait(30)
    make_client(owner=marta, name="Between")
    copy.poll()
    go.set()
    thread.join(30)
    assert {row["name"] for row in copy.poll().rows.values()} == {"First", "Second", "Between"}


def test_what_is_rolled_back_never_comes(marta):
    copy = Copy(marta, "clients").poll()
    with suppress(ZeroDivisionError), transaction.atomic():
        make_client(owner=marta, name="Never")
        raise ZeroDivisionError
    assert copy.poll().told == []


# What leaves somebody's sight, and comes back


def test_a_restricted_client_leaves_with_all_its_rows_and_comes_back(marta, otto):
    kestrel = make_client(owner=marta, name="Kestrel")
    make_contact(actor=marta, client=kestrel)
    make_line(actor=marta, client=kestrel)
    log(actor=marta, client=kestrel)
    follow_up(actor=marta, client=kestrel)
    copies = copies_of([otto, marta])
    restrict_client(acting(marta), client=kestrel)
    for copy in copies[: len(RESOURCES)]:
        assert copy.poll().rows == {}, copy.resource
    update_client(acting(marta), client=Client.objects.get(), city="Secret")
    assert [copy.poll().told for copy in copies[: len(RESOURCES)]] == [[]] * len(RESOURCES)
    services.unrestrict_client(acting(marta), client=Client.objects.get())
    assert all(copy.poll() and copy.agrees() for copy in copies)
    assert len(copies[0].rows) == 1 and len(copies[4].rows) == 1


def test_ids_of_what_one_never_saw_are_not_told(marta, otto):
    secret = make_client(owner=marta, name="Secret")
    restrict_client(acting(marta), client=secret)
    copies = copies_of([otto])
    log(actor=marta, client=secret)
    make_line(actor=marta, client=secret)
    make_contact(actor=marta, client=secret)
    update_client(acting(marta), client=Client.objects.get(), city="Turku")
    open_one = make_client(owner=marta, name="Open")
    private = log(actor=marta, client=open_one, visibility="private")
    correct_interaction(acting(marta), interaction=private, body="Again.", now=timezone.now())
    archive_client(acting(marta), client=Client.objects.get(pk=secret.pk), now=timezone.now())
    told = {copy.resource: copy.poll().told for copy in copies}
    assert told == {name: [] for name in RESOURCES} | {"clients": [open_one.pk]}


@pytest.mark.parametrize("scope", ["own", "team"])
def test_clients_of_others_stay_unknown_where_sight_is_narrow(scope, marta, otto):
    """Neither a client that others hand over, restrict or archive, nor what is written about it, nor what is hidden beside what leaves."""
    FirmSettings.objects.update(account_managers_see=scope)
    third = make_user(name="Pia Third")
    kestrel = make_client(owner=marta, name="Kestrel", team=make_team(members=[marta, otto]))
    make_contact(actor=marta, client=kestrel)
    make_line(actor=marta, client=kestrel)
    log(actor=marta, client=kestrel)
    mine = make_client(owner=third, name="Mine")
    line = make_line(actor=third, client=mine)
    hidden = make_client(owner=marta, name="Hidden")
    copies = copies_of([third])
    services.reassign_clients(SYSTEM, clients=[kestrel], owner=otto)
    restrict_client(acting(otto), client=Client.objects.get(pk=kestrel.pk))
    assert {copy.resource: copy.poll().told for copy in copies} == {name: [] for name in RESOURCES}
    services.unrestrict_client(acting(otto), client=Client.objects.get(pk=kestrel.pk))
    archive_client(SYSTEM, client=Client.objects.get(pk=kestrel.pk), now=timezone.now())
    services.reassign_clients(SYSTEM, clients=[mine], owner=otto)
    make_line(actor=marta, client=hidden)
    log(actor=marta, client=hidden)
    told = {copy.resource: copy.poll().told for copy in copies}
    assert told == {name: [] for name in RESOURCES} | {"clients": [mine.pk], "revenue": [line.pk]}
    assert all(copy.rows == {} for copy in copies)


def test_what_is_deleted_with_its_client_leaves(marta, otto):
    """An import of clients with their contacts is undone; what others may not see of it stays unknown."""
    admin, third = make_user(name="Aino Admin", roles=("admin",)), make_user(name="Pia Third")
    FirmSettings.objects.update(account_managers_see="own")
    job = run(marta, "clients", b"Id,Name,First name,Last name\n1,Alpha,Ada,Alder\n", system="old")
    alpha = Client.objects.get()
    line = make_line(actor=marta, client=alpha)
    call = log(actor=admin, client=alpha, visibility="team")
    copies, others = copies_of([marta, admin]), copies_of([third])
    full = [copy for copy in copies if copy.rows]
    assert [len(copy.rows) for copy in full] == [1] * 8  # clients, contacts, revenue and interactions of both
    line.delete()
    call.delete()
    undo(marta, job)
    assert not Client.objects.exists() and not Contact.objects.exists()
    for copy in copies:
        assert copy.poll().rows == {}, copy.resource
    assert [copy.poll().told for copy in others] == [[]] * len(RESOURCES)


def test_a_parent_that_goes_out_of_sight_is_taken_from_its_children(marta, otto):
    parent = make_client(owner=marta, name="Parent")
    child = make_client(owner=marta, name="Child", parent=parent)
    copy = Copy(otto, "clients").poll()
    assert copy.rows[child.pk]["parent"] == parent.pk
    restrict_client(acting(marta), client=parent)
    assert copy.poll().rows[child.pk]["parent"] is None
    assert copy.agrees()


def test_another_role_team_cover_or_rule_of_the_firm_starts_again(marta, otto):
    team = make_team(members=[marta])
    FirmSettings.objects.update(account_managers_see="team")
    kestrel = make_client(owner=marta, name="Kestrel", team=team)
    copy = Copy(otto, "clients").poll()
    assert copy.rows == {}
    seat = TeamMembership.objects.create(team=team, user=otto)
    assert copy.ask().json()["code"] == "start_again"
    assert set(copy.poll().rows) == {kestrel.pk}
    seat.delete()
    assert copy.poll().rows == {}
    now, today = timezone.now(), firm_today(timezone.now())
    cover = arrange_cover(
        SYSTEM, absent=marta, covering=otto, start_date=today, end_date=today + timedelta(days=3), now=now
    )
    assert set(copy.poll().rows) == {kestrel.pk}
    end_cover(SYSTEM, cover=cover, now=now)
    assert copy.poll().rows == {}
    type(otto).objects.filter(pk=otto.pk).update(roles=["manager"])
    assert set(copy.poll().rows) == {kestrel.pk}
    assert copy.restarts == 5


def test_a_private_conversation_leaves_whoever_no_longer_took_part(marta, otto):
    kestrel = make_client(owner=marta, name="Kestrel")
    call = log(actor=marta, client=kestrel, visibility="private", participants=[otto])
    copy = Copy(otto, "interactions").poll()
    assert set(copy.rows) == {call.pk}
    correct_interaction(acting(marta), interaction=call, participants=[], now=timezone.now())
    call.refresh_from_db()
    assert (call.visibility, [*call.participants.all()]) == ("private", [])
    assert copy.poll().rows == {} and copy.told == [call.pk]


# What a round costs


def test_hidden_rows_fill_no_page_and_what_changed_is_looked_for_once_a_round(marta, otto):
    """What is written of restricted clients is not told, and clients whose sight changed are not looked for again on each page."""
    secret = make_client(owner=marta, name="Secret")
    restrict_client(acting(marta), client=secret)
    open_one, other = make_client(owner=marta, name="Open"), make_client(owner=marta, name="Other")
    copy = Copy(otto, "revenue").poll()
    for _n in range(7):
        make_line(actor=marta, client=secret)
    lines = [make_line(actor=marta, client=open_one).pk for _n in range(2)]
    page = copy.ask(page_size=2).json()
    assert [row["id"] for row in page["results"]] == lines
    copy.poll()
    services.reassign_clients(SYSTEM, clients=[open_one, other], owner=otto)
    looked, pages = [], 0
    while True:
        with CaptureQueriesContext(connection) as asked:
            page = copy.ask(page_size=1).json()
        copy.cursor, pages = page["cursor"], pages + 1
        looked.append(
            sum("LEFT JOIN LATERAL" in each["sql"] and "clients_clientevent" in each["sql"] for each in asked)
        )
        if not page["has_more"]:
            break
    assert pages > 1 and sum(looked) == 1, looked


# What is refused


def test_cursors_are_checked(marta, otto):
    copy = Copy(marta, "clients").poll()
    assert Copy(otto, "clients").ask(cursor=copy.cursor).status_code == 410
    assert copy.ask(resource="contacts").status_code == 400
    assert copy.ask(cursor="x" + copy.cursor).status_code == 400
    assert copy.ask(ordering="id").json()["fields"].keys() == {"ordering"}
    assert copy.ask(resource="nothing").status_code == 400
    assert Browser().get("/api/v1/changes", {"resource": "clients"}).status_code in (401, 403)


def test_an_old_cursor_starts_again(marta, time_machine):
    copy = Copy(marta, "clients").poll()
    time_machine.move_to(timezone.now() + timedelta(days=31))
    copy.http.force_login(marta)
    assert copy.ask().status_code == 410


# Random edits


class Walk:
    """Random edits of a small firm, by services, imports and their undo; some of them commit only after the copies were asked."""

    def __init__(self, seed, users):
        self.chance, self.users, self.imports, self.n = random.Random(seed), users, [], 0

    def any(self, model, **such):
        rows = list(model.objects.filter(**such).order_by("pk"))
        if not rows:
            raise ServiceError("There is none yet.")
        return self.chance.choice(rows)

    def name(self, word):
        self.n += 1
        return f"{word} {self.n}"

    def step(self):
        """One edit of one kind; one that is refused is none."""
        edit = self.chance.choice([each for each in dir(self) if each.startswith("do_")])
        with suppress(ServiceError, PermissionDenied):
            getattr(self, edit)(acting(self.chance.choice(self.users)), timezone.now())
        return edit

    def do_add_client(self, by, now):
        make_client(
            owner=self.chance.choice(self.users),
            name=self.name("Client"),
            parent=Client.objects.order_by("-pk").first(),
        )

    def do_edit_client(self, by, now):
        update_client(SYSTEM, client=self.any(Client), city=self.name("City"))

    def do_archive_client(self, by, now):
        archive_client(SYSTEM, client=self.any(Client), now=now)

    def do_restore_client(self, by, now):
        services.restore_client(SYSTEM, client=self.any(Client, archived_at__isnull=False))

    def do_restrict(self, by, now):
        client = self.any(Client, is_restricted=False)
        restrict_client(acting(client.owner), client=client, users=[self.chance.choice(self.users)])

    def do_lift(self, by, now):
        client = self.any(Client, is_restricted=True)
        services.unrestrict_client(acting(client.owner), client=client)

    def do_name(self, by, now):
        client = self.any(Client)
        services.grant_access(acting(client.owner), client=client, user=self.chance.choice(self.users))

    def do_no_longer_name(self, by, now):
        access = self.any(ClientAccess)
        services.revoke_access(acting(access.client.owner), access=access)

    def do_reassign(self, by, now):
        clients = list(Client.objects.filter(pk__gte=self.any(Client).pk)[:3])
        services.reassign_clients(SYSTEM, clients=clients, owner=self.chance.choice(self.users))

    def do_add_contact(self, by, now):
        make_contact(actor=by.user, client=self.any(Client), last_name=self.name("Contact"))

    def do_place_contact(self, by, now):
        affiliate(SYSTEM, client=self.any(Client), contact=self.any(Contact), title=self.name("Title"))

    def do_edit_contact(self, by, now):
        update_contact(SYSTEM, contact=self.any(Contact), emails=[("work", f"a{self.n}@a.example")])

    def do_archive_contact(self, by, now):
        archive_contact(SYSTEM, contact=self.any(Contact), now=now)

    def do_log(self, by, now):
        seen = ["private", "team", "firm", "shared"]
        client = self.any(Client, archived_at=None)
        log(actor=by.user, client=client, visibility=self.chance.choice(seen), engagement=self.work_for(client))

    def do_correct(self, by, now):
        row, seen = self.any(Interaction), self.chance.choice(["private", "team", "firm"])
        who = self.chance.sample(self.users, self.chance.randint(0, 2))
        correct_interaction(acting(row.author), interaction=row, now=now, visibility=seen, participants=who)

    def do_archive_interaction(self, by, now):
        archive_interaction(SYSTEM, interaction=self.any(Interaction), now=now)

    def do_plan(self, by, now):
        client = self.any(Client, archived_at=None) if self.chance.random() < 0.7 else None
        follow_up(actor=by.user, client=client, assignee=by.user, title=self.name("Call"), now=now)

    def do_hand_over(self, by, now):
        row = self.any(FollowUp)
        reassign_follow_up(SYSTEM, follow_up=row, assignee=self.chance.choice(self.users), now=now)

    def do_cancel(self, by, now):
        cancel_follow_up(SYSTEM, follow_up=self.any(FollowUp), now=now)

    def do_earn(self, by, now):
        client = self.any(Client, archived_at=None)
        make_line(actor=by.user, client=client, engagement=self.work_for(client))

    def do_delete_revenue(self, by, now):
        delete_revenue_line(SYSTEM, line=self.any(RevenueLine), today=TODAY)

    def do_open_engagement(self, by, now):
        client = self.any(Client, archived_at=None)
        engagements.open_engagement(SYSTEM, client=client, title=self.name("Work"), lead=by.user, now=now)

    def do_restrict_engagement(self, by, now):
        work = self.any(Engagement, is_restricted=False)
        engagements.restrict_engagement(acting(work.lead), engagement=work, now=now)

    def do_lift_engagement(self, by, now):
        work = self.any(Engagement, is_restricted=True)
        engagements.unrestrict_engagement(acting(work.lead), engagement=work, now=now)

    def do_seat(self, by, now):
        work = self.any(Engagement)
        engagements.add_to_team(acting(work.lead), engagement=work, user=self.chance.choice(self.users))

    def do_import(self, by, now):
        text = "".join(f"{n},Imported {n},{self.name('Town')}\n" for n in self.chance.sample(range(8), 4))
        self.imports.append(run(by.user, "clients", f"Id,Name,City\n{text}".encode(), system="old"))

    def do_undo_an_import(self, by, now):
        if self.imports:
            job = self.imports.pop()
            undo(job.user, job)

    def work_for(self, client):
        return self.chance.choice([None, client.engagements.filter(archived_at=None).first()])


@pytest.mark.parametrize("seed", [1, 2])
def test_copies_stay_equal_under_random_edits(seed, marta, otto):
    """An admin's and an account manager's, who see only their own clients. The other steps commit late."""
    FirmSettings.objects.update(account_managers_see="own")
    admin = make_user(name="Aino Admin", roles=("admin",))
    walk = Walk(seed, [marta, otto, admin])
    for _n in range(12):
        walk.step()
    copies = copies_of([otto, admin])
    done = []
    for number in range(30):
        if number % 3:
            done.append(walk.step())
        else:
            with held_open(lambda: done.append(walk.step())):
                make_client(owner=otto, name=walk.name("Client"))
                for copy in copies:
                    copy.poll()
        for copy in copies:
            assert copy.poll().rows == copy.full(), (copy.resource, number, done[-3:])
    assert sum(len(copy.rows) for copy in copies) > 20
    assert all(copy.restarts == 0 for copy in copies)
