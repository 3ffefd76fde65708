"""Fills a database with many believable clients, in SQL, the same rows for the same seed.

Everything random is a hash of a row's number, so the order of execution does not matter. Triggers (history,
notifications) are off while it runs: this is data to measure with, not a record of what people did.
"""

# ruff: noqa: E501  statements of SQL are not broken in the middle of an expression

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, models, transaction
from django.db.models import NOT_PROVIDED

from clients.catalogue.models import Service
from clients.contacts.models import Affiliation, Contact, ContactEmail, ContactPhone
from clients.records.models import Client, ClientFacts, StatusPeriod
from clients.revenue.models import Contract, RevenueLine
from crm.core.users.models import Team, TeamMembership, User
from interactions.cadence.services import refresh_contact_due
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from interactions.surveys.models import Survey, SurveyResponse
from onboarding.models import Plan, PlanPhase, Task, Template, TemplatePhase, TemplateTask, TemplateVersion
from tools.bench import words
from tools.bench.bare import Bare

USERS, MANAGERS = 100, 4
DOMAIN = "load.example"
SEATS = "seats"  # the key of a custom field, which the bench defines
SURVEY = "Client survey (load)"
TEMPLATE = "Standard onboarding (load)"
LOADED = [
    Client,
    StatusPeriod,
    ClientFacts,
    Contact,
    Affiliation,
    ContactEmail,
    ContactPhone,
    RevenueLine,
    Contract,
    Interaction,
    Interaction.contacts.through,
    FollowUp,
    SurveyResponse,
    Plan,
    PlanPhase,
    Task,
    User,
    Team,
    TeamMembership,
    Service,
    Survey,
    Template,
    TemplateVersion,
    TemplatePhase,
    TemplateTask,
]


@dataclass(frozen=True)
class Amounts:
    """How many rows of each kind."""

    clients: int
    contacts: int
    interactions: int
    revenue: int
    contracts: int
    follow_ups: int
    plans: int
    answers: int

    @classmethod
    def of(cls, clients: int, **given: int | None) -> "Amounts":
        per_client = {
            "contacts": 2,
            "interactions": 10,
            "revenue": 10,
            "contracts": 0.3,
            "follow_ups": 0.5,
            "plans": 0.02,
            "answers": 0.5,
        }
        return cls(
            clients,
            **{
                name: given.get(name) if given.get(name) is not None else int(clients * n)
                for name, n in per_client.items()
            },
        )


class Loader:
    """One run. `say(text)` reports progress."""

    def __init__(self, amounts: Amounts, *, today: date, currency: str, seed: int = 1, say=lambda text: None):
        self.n, self.today, self.currency, self.seed, self.say = amounts, today, currency, seed, say

    def run(self) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            self.cursor = cursor
            cursor.execute("SET LOCAL work_mem = '128MB'")
            cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
            with Bare(cursor, LOADED):
                for step in (
                    self.people,
                    self.clients,
                    self.statuses,
                    self.contacts,
                    self.revenue,
                    self.interactions,
                    self.follow_ups,
                    self.answers,
                    self.plans,
                    self.facts,
                ):
                    step()
            self.execute("DROP TABLE load_client, life, span, served, person, talk, plan")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

    # Plumbing

    def u(self, number: str, salt: int) -> str:
        """SQL: a number in [0, 1) that depends on the row's number, the salt and the seed alone."""
        return f"((hashint8extended(({number})::bigint, {self.seed * 10_000 + salt}) & 2147483647) / 2147483648.0)"

    def pick(self, options, number: str, salt: int) -> str:
        array = "ARRAY[" + ",".join("'" + str(option).replace("'", "''") + "'" for option in options) + "]"
        return f"({array})[1 + floor({self.u(number, salt)} * {len(options)})::int]"

    def insert(self, model: type[models.Model], source: str, /, **columns: str) -> None:
        """INSERT … SELECT; a column not named gets its field's default. `columns` are SQL expressions over `source`."""
        fields = [field for field in model._meta.concrete_fields if not getattr(field, "generated", False)]
        chosen, parameters = {}, []
        for field in fields:
            if field.column in columns:
                chosen[field.column] = columns[field.column]
            elif getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
                chosen[field.column] = "now()"
            elif field.default is not NOT_PROVIDED:
                chosen[field.column] = "%s"
                parameters.append(field.get_db_prep_save(field.get_default(), connection))
            elif not field.null and not field.primary_key and field.empty_strings_allowed:
                chosen[field.column] = "''"
        unknown = set(columns) - {field.column for field in fields}
        assert not unknown, f"{model.__name__} has no column {unknown}"
        names = ", ".join(f'"{name}"' for name in chosen)
        self.cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({names}) SELECT {', '.join(chosen.values())} FROM {source}",
            parameters or None,
        )
        self.say(f"{self.cursor.rowcount:,} {model._meta.verbose_name_plural}")
        if model._meta.pk.column == "id":
            self.cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{model._meta.db_table}', 'id'), greatest((SELECT max(id) FROM {model._meta.db_table}), 1))"
            )

    def execute(self, sql: str) -> None:
        self.cursor.execute(sql)

    def base(self, model) -> int:
        """The highest id in use: new rows continue from it."""
        return model.objects.aggregate(top=models.Max("id"))["top"] or 0

    def series(self, count: int) -> str:
        return f"generate_series(1, {count}) AS i"

    # Rows

    def people(self) -> None:
        first = User.objects.filter(email=f"load001@{DOMAIN}").values_list("pk", flat=True).first()
        if first is None:
            base = self.base(User)
            role = f"CASE WHEN i = {USERS} THEN 'admin' WHEN i > {USERS - MANAGERS - 1} THEN 'manager' ELSE 'account_manager' END"
            self.insert(
                User,
                self.series(USERS),
                id=f"{base} + i",
                email=f"'load' || lpad(i::text, 3, '0') || '@{DOMAIN}'",
                name=f"{self.pick(words.GIVEN, 'i', 1)} || ' ' || {self.pick(words.FAMILY, 'i', 2)}",
                roles=f"ARRAY[{role}]",
                password="'!'",
            )
            first = base + 1
        self.first_user = first
        self.teams = [Team.objects.get_or_create(name=f"Team {name}")[0].pk for name in words.TEAMS]
        if not TeamMembership.objects.filter(user_id=first).exists():
            TeamMembership.objects.bulk_create(
                TeamMembership(user_id=first + number, team_id=self.teams[number % len(self.teams)])
                for number in range(USERS - 1)
            )
        self.services = [Service.objects.get_or_create(name=name)[0].pk for name in words.SERVICES]

    def clients(self) -> None:
        self.first_client = self.base(Client) + 1
        owners = USERS - MANAGERS - 1
        place = f"(floor({self.u('i', 10)} * {len(words.PLACES)})::int)"
        cities, countries, zones = (
            "ARRAY[" + ",".join(f"'{place[n]}'" for place in words.PLACES) + "]" for n in range(3)
        )
        self.execute(
            f"CREATE TEMP TABLE load_client ON COMMIT DROP AS SELECT i, {self.first_client} - 1 + i AS id, floor({self.u('i', 11)} * {owners})::int AS owner, "
            f"{self.u('i', 12)} AS size, {place} AS place FROM {self.series(self.n.clients)}"
        )
        teams = "ARRAY[" + ",".join(map(str, self.teams)) + "]"
        slug = "lower(split_part(named.name, ' ', 1) || split_part(named.name, ' ', 2)) || i"
        named = f"(SELECT *, {self.pick(words.FIRST, 'i', 13)} || ' ' || {self.pick(words.SECOND, 'i', 14)} || {self.pick(words.SUFFIX, 'i', 15)} AS name FROM load_client) AS named"
        self.insert(
            Client,
            named,
            id="id",
            name="name",
            relationship=f"CASE WHEN {self.u('i', 16)} < 0.05 THEN 'customer' ELSE 'client' END",
            owner_id=f"{self.first_user} + owner",
            team_id=f"({teams})[1 + mod(owner, {len(self.teams)})]",
            tier="CASE WHEN size < 0.15 THEN 'A' WHEN size < 0.5 THEN 'B' ELSE 'C' END",
            industry=self.pick(words.INDUSTRIES, "i", 17),
            source=self.pick(words.SOURCES, "i", 18),
            city=f"({cities})[1 + place]",
            country=f"({countries})[1 + place]",
            time_zone=f"({zones})[1 + place]",
            language="'en'",
            website=f"'www.' || {slug} || '.example'",
            email=f"'office@' || {slug} || '.example'",
            phone=f"'+358 40 ' || lpad(floor({self.u('i', 19)} * 10000000)::text, 7, '0')",
            phone_digits=f"'35840' || lpad(floor({self.u('i', 19)} * 10000000)::text, 7, '0')",
            is_restricted=f"{self.u('i', 20)} < 0.01",
            custom=f"jsonb_build_object('{SEATS}', 1 + floor({self.u('i', 23)} * 500)::int)",
            archived_at=f"CASE WHEN {self.u('i', 21)} < 0.005 THEN now() - interval '30 days' END",
            created_at=f"now() - {self.u('i', 22)} * interval '5 years'",
        )

    def statuses(self) -> None:
        """Status periods for each client: prospect, onboarding, active, sometimes a pause, notice, former, and some
        return.
        """
        today = f"DATE '{self.today}'"
        joined = f"{today} - (30 + power({self.u('i', 30)}, 0.8) * 2200)::int"
        onboard = f"CASE WHEN {self.u('i', 31)} > 0.06 THEN prospect + 10 + ({self.u('i', 32)} * 50)::int END"
        left = f"(-ln(1 - {self.u('i', 34)}) * 365 / 0.1)::int"
        self.execute(
            f"CREATE TEMP TABLE life ON COMMIT DROP AS SELECT *, CASE WHEN former IS NOT NULL AND {self.u('i', 35)} < 0.12 THEN former + 60 + ({self.u('i', 36)} * 400)::int END AS back "
            f"FROM (SELECT *, CASE WHEN {self.u('i', 37)} < 0.8 THEN former - 20 - ({self.u('i', 38)} * 25)::int END AS notice, "
            f"CASE WHEN {self.u('i', 39)} < 0.04 THEN active + 60 + ({self.u('i', 40)} * 300)::int END AS paused "
            f"FROM (SELECT *, active + 80 + {left} AS former FROM (SELECT *, onboarding + 15 + ({self.u('i', 33)} * 40)::int AS active FROM (SELECT *, {onboard} AS onboarding "
            f"FROM (SELECT i, id, {joined} AS prospect FROM load_client) AS a) AS b) AS c) AS d) AS e"
        )
        self.execute(f"UPDATE life SET paused = NULL WHERE paused >= former - 110 OR paused > {today} - 5")
        self.execute(f"UPDATE life SET former = NULL, back = NULL WHERE former > {today}")
        self.execute(f"UPDATE life SET notice = NULL WHERE notice > {today} OR notice <= active")
        self.execute(f"UPDATE life SET back = NULL WHERE back > {today}")
        self.execute(f"UPDATE life SET active = NULL WHERE active > {today}")
        self.execute(f"UPDATE life SET onboarding = NULL WHERE onboarding > {today}")
        self.execute(
            "UPDATE life SET active = NULL, notice = NULL, former = NULL, back = NULL, paused = NULL WHERE active IS NULL"
        )
        self.execute("CREATE UNIQUE INDEX ON life (i)")
        steps = ", ".join(
            f"('{status}', {column})"
            for status, column in (
                ("prospect", "prospect"),
                ("onboarding", "onboarding"),
                ("active", "active"),
                ("paused", "paused"),
                ("active", "paused + 45"),
                ("at_notice", "notice"),
                ("former", "former"),
                ("active", "back"),
            )
        )
        self.execute(
            f"CREATE TEMP TABLE span ON COMMIT DROP AS SELECT i, id AS client_id, status, start_date, lead(start_date) OVER (PARTITION BY i ORDER BY start_date) AS end_date "
            f"FROM life CROSS JOIN LATERAL (VALUES {steps}) AS step(status, start_date) WHERE start_date IS NOT NULL AND start_date <= {today}"
        )
        reason = self.pick(
            ("price", "contact_changed", "slow", "merged", "in_house", "competitor", "price", "slow"), "i", 41
        )
        self.insert(
            StatusPeriod,
            "span",
            client_id="client_id",
            status="status",
            start_date="start_date",
            end_date="end_date",
            reason=f"CASE WHEN status = 'former' THEN {reason} ELSE '' END",
        )
        # from, to: the time we served the client; `rank` numbers the clients served
        self.execute(
            f"CREATE TEMP TABLE served ON COMMIT DROP AS SELECT (row_number() OVER (ORDER BY i))::int AS rank, i, id, active AS since, "
            f"CASE WHEN back IS NULL THEN coalesce(former, {today}) ELSE {today} END AS until FROM life WHERE active < {today} - 1"
        )
        self.execute("CREATE UNIQUE INDEX ON served (rank)")
        for table in ("load_client", "life", "served"):
            self.execute(f"ANALYZE {table}")
        self.cursor.execute("SELECT count(*) FROM served")
        self.served_count = self.cursor.fetchone()[0]

    def contacts(self) -> None:
        base = self.base(Contact)
        self.execute(
            f"CREATE TEMP TABLE person ON COMMIT DROP AS SELECT k, {base} + k AS id, 1 + mod(k - 1, {self.n.clients}) AS i FROM generate_series(1, {self.n.contacts}) AS k"
        )
        self.execute("CREATE UNIQUE INDEX ON person (k)")
        self.execute("ANALYZE person")
        self.insert(
            Contact,
            "person",
            id="id",
            first_name=self.pick(words.GIVEN, "k", 50),
            last_name=self.pick(words.FAMILY, "k", 51),
        )
        first = f"{self.first_client} - 1 + i"
        self.insert(
            Affiliation,
            "person",
            contact_id="id",
            client_id=first,
            title=self.pick(words.TITLES, "k", 52),
            is_primary=f"k <= {self.n.clients}",
            is_billing=f"{self.u('k', 53)} < 0.3",
        )
        self.insert(
            ContactEmail,
            "person",
            contact_id="id",
            address="'person' || k || '@contacts.example'",
            label="'work'",
            is_primary="true",
        )
        digits = f"lpad(floor({self.u('k', 54)} * 100000000)::text, 8, '0')"
        self.insert(
            ContactPhone,
            f"person WHERE {self.u('k', 55)} < 0.6",
            contact_id="id",
            number=f"'+49 30 ' || {digits}",
            digits=f"'4930' || {digits}",
            label="'work'",
            is_primary="true",
        )

    def revenue(self) -> None:
        services = (
            f"(ARRAY[{','.join(map(str, self.services))}])[1 + floor({self.u('k', 62)} * {len(self.services)})::int]"
        )
        date_of = f"since + floor({self.u('k', 63)} * (until - since))::int"
        size = f"round((200 + exp({self.u('k', 64)} * 4.2) * 120)::numeric, 2)"
        self.insert(
            RevenueLine,
            self._spread(self.n.revenue, 60, 1.25),
            client_id="id",
            date=date_of,
            currency=f"'{self.currency}'",
            rate="1",
            service_id=services,
            reference="'L' || k",
            kind=f"CASE WHEN {self.u('k', 65)} < 0.02 THEN 'refund' WHEN {self.u('k', 65)} < 0.6 THEN 'retainer' ELSE 'fee' END",
            amount=f"CASE WHEN {self.u('k', 65)} < 0.02 THEN -round({size} / 4, 2) ELSE {size} END",
        )
        self.insert(
            Contract,
            f"generate_series(1, {min(self.n.contracts, self.served_count)}) AS k JOIN served ON served.rank = k",
            client_id="id",
            service_id=services,
            value=f"round((150 + {self.u('k', 66)} * 3000)::numeric, 0)",
            currency=f"'{self.currency}'",
            rate="1",
            is_free=f"{self.u('k', 67)} < 0.04",
            start_date="since",
            end_date=f"CASE WHEN until < DATE '{self.today}' THEN until END",
            notice_days="60",
            renewal_date=f"CASE WHEN until >= DATE '{self.today}' THEN DATE '{self.today}' + ({self.u('k', 68)} * 360)::int END",
            is_auto_renewed="true",
        )

    def _spread(self, count: int, salt: int, skew: float) -> str:
        """`count` rows k over the clients served, some with many more than others."""
        return (
            f"(SELECT k, served.* FROM (SELECT k, 1 + floor(power({self.u('k', salt)}, {skew}) * {self.served_count})::int AS rank FROM generate_series(1, {count}) AS k) AS drawn "
            "JOIN served USING (rank)) AS drawn"
        )

    def interactions(self) -> None:
        base = self.base(Interaction)
        spread = self._spread(self.n.interactions, 70, 1.5)
        at = f"(since - 20 + floor({self.u('k', 71)} * (until - since + 20))::int) + interval '7 hours' + {self.u('k', 72)} * interval '10 hours'"
        self.execute(
            f"CREATE TEMP TABLE talk ON COMMIT DROP AS SELECT (row_number() OVER (ORDER BY occurred_at, k))::bigint AS k, i, id AS client_id, occurred_at "
            f"FROM (SELECT k, i, id, ({at}) AT TIME ZONE 'UTC' AS occurred_at FROM {spread}) AS drawn"
        )
        self.execute(
            "UPDATE talk SET i = busy.i, client_id = busy.id FROM (SELECT life.i, life.id FROM life JOIN clients_client c USING (id) "
            "WHERE active IS NOT NULL AND former IS NULL AND NOT is_restricted AND archived_at IS NULL ORDER BY i LIMIT 1) AS busy WHERE mod(k, 10) = 0"
        )  # one client has a tenth of all
        self.execute("ANALYZE talk")
        owner = f"{self.first_user} + (SELECT owner FROM load_client WHERE load_client.i = talk.i)"
        self.execute("CREATE UNIQUE INDEX ON load_client (i)")
        channels = ("phone", "phone", "email", "email", "email", "meeting", "video", "chat", "note", "message")
        body = f"{self.pick(words.SENTENCES, 'k', 73)} || ' ' || {self.pick(words.SENTENCES, 'k', 74)}"
        see = self.u("k", 75)
        self.insert(
            Interaction,
            "talk",
            id=f"{base} + k",
            client_id="client_id",
            occurred_at="occurred_at",
            created_at="occurred_at",
            updated_at="occurred_at",
            author_id=owner,
            channel=self.pick(channels, "k", 76),
            direction=self.pick(("out", "in", "both"), "k", 77),
            subject=self.pick(words.SUBJECTS, "k", 78),
            body=body,
            duration_minutes=f"CASE WHEN {self.u('k', 79)} < 0.5 THEN 5 + ({self.u('k', 79)} * 100)::int END",
            sentiment=f"CASE WHEN {self.u('k', 80)} < 0.4 THEN floor({self.u('k', 81)} * 5)::int - 2 END",
            visibility=f"CASE WHEN {see} < 0.85 THEN 'firm' WHEN {see} < 0.95 THEN 'shared' WHEN {see} < 0.98 THEN 'team' ELSE 'private' END",
        )
        through = Interaction.contacts.through
        who = f"(SELECT {base} + talk.k AS interaction_id, p.id AS contact_id FROM talk JOIN person p ON p.k = talk.i WHERE {self.u('talk.k', 82)} < 0.5) AS linked"
        self.insert(through, who, interaction_id="interaction_id", contact_id="contact_id")

    def follow_ups(self) -> None:
        today = f"DATE '{self.today}'"
        is_open = f"{self.u('k', 91)} < 0.3"
        due = f"CASE WHEN {is_open} THEN {today} - 15 + ({self.u('k', 92)} * 50)::int ELSE {today} - 20 - ({self.u('k', 92)} * 700)::int END"
        source = f"(SELECT *, {is_open} AS is_open, {due} AS due FROM {self._spread(self.n.follow_ups, 90, 1.1)} JOIN load_client USING (i, id)) AS drawn"
        self.insert(
            FollowUp,
            source,
            client_id="id",
            title=self.pick(words.FOLLOW_UPS, "k", 93),
            assignee_id=f"{self.first_user} + owner",
            author_id=f"{self.first_user} + owner",
            due_date="due",
            time_zone="'UTC'",
            due_at="(due + time '17:00') AT TIME ZONE 'UTC'",
            state="CASE WHEN is_open THEN 'open' ELSE 'done' END",
            closed_at="CASE WHEN NOT is_open THEN (due + time '15:00') AT TIME ZONE 'UTC' END",
            priority=f"1 + floor({self.u('k', 94)} * 3)::int",
        )

    def answers(self) -> None:
        survey, _made = Survey.objects.get_or_create(
            name=SURVEY, defaults={"question": "How likely are you to recommend us?"}
        )
        mood = self.u("k", 101)
        score = f"CASE WHEN {mood} < 0.55 THEN 9 + ({self.u('k', 102)} * 1.999 - 0.5)::int WHEN {mood} < 0.82 THEN 7 + ({self.u('k', 102)} * 1.999 - 0.5)::int ELSE floor({self.u('k', 102)} * 7)::int END"
        at = f"((since + floor({self.u('k', 103)} * (until - since))::int) + time '10:00') AT TIME ZONE 'UTC'"
        source = f"(SELECT drawn.*, person.id AS contact_id FROM {self._spread(self.n.answers, 100, 1)} LEFT JOIN person ON person.k = drawn.i) AS drawn"
        self.insert(
            SurveyResponse,
            source,
            survey_id=str(survey.pk),
            client_id="id",
            contact_id="contact_id",
            score=score,
            scale_min="0",
            scale_max="10",
            answered_at=at,
        )

    def plans(self) -> None:
        version = self._template()
        base, today = self.base(Plan), f"DATE '{self.today}'"
        whose = f"(SELECT (row_number() OVER (ORDER BY (active IS NULL) DESC, i))::int AS k, life.*, owner FROM life JOIN load_client USING (i, id) WHERE onboarding IS NOT NULL) AS x WHERE k <= {self.n.plans}"
        self.execute(
            f"CREATE TEMP TABLE plan ON COMMIT DROP AS SELECT k, {base} + k AS plan_id, id AS client_id, onboarding AS kickoff, active, owner FROM {whose}"
        )
        self.insert(
            Plan,
            "plan",
            id="plan_id",
            client_id="client_id",
            template_version_id=str(version.pk),
            name="'Onboarding'",
            owner_id=f"{self.first_user} + owner",
            kickoff_date="kickoff",
            forecast_date="coalesce(active, kickoff + 45)",
            state="CASE WHEN active IS NULL THEN 'active' ELSE 'done' END",
            ended_at="active::timestamptz",
            track=f"CASE WHEN active IS NULL AND kickoff + 30 < {today} THEN 'behind' ELSE 'on_track' END",
            task_count="10",
        )
        first_phase = self.base(PlanPhase)
        phases, tasks = list(version.phases.all()), list(version.tasks.all())
        for number, phase in enumerate(phases):
            self.insert(
                PlanPhase,
                "plan",
                id=f"{first_phase} + (k - 1) * {len(phases)} + {number + 1}",
                plan_id="plan_id",
                key=f"'{phase.key}'",
                name=f"'{phase.name}'",
                position=str(phase.position),
            )
        places = {phase.pk: number for number, phase in enumerate(phases)}
        for number, task in enumerate(tasks):
            due = f"(kickoff + {(number + 1) * 4})"
            done = f"(active IS NOT NULL OR ({due} < {today} AND {self.u(f'k * 10 + {number}', 110)} < 0.7))"
            self.insert(
                Task,
                "plan",
                plan_id="plan_id",
                phase_id=f"{first_phase} + (k - 1) * {len(phases)} + {places[task.phase_id] + 1}",
                key=f"'{task.key}'",
                title=f"'{task.title}'",
                position=str(number),
                offset_days=str(task.offset_days),
                due_date=due,
                assignee_id=f"{self.first_user} + owner",
                state=f"CASE WHEN {done} THEN 'done' ELSE 'open' END",
                done_at=f"CASE WHEN {done} THEN least({due} - 1 + ({self.u(f'k * 10 + {number}', 111)} * 4)::int, {today})::timestamptz END",
            )
        self.execute(
            "UPDATE onboarding_plan p SET done_count = t.n FROM (SELECT plan_id, count(*) FILTER (WHERE state = 'done') AS n FROM onboarding_task JOIN plan USING (plan_id) GROUP BY plan_id) t WHERE t.plan_id = p.id"
        )

    def _template(self):
        template, made = Template.objects.get_or_create(name=TEMPLATE)
        if not made:
            return template.versions.get(number=1)
        version = TemplateVersion.objects.create(template=template, number=1)
        position = 0
        for place, (key, name, titles) in enumerate(words.PHASES):
            phase = TemplatePhase.objects.create(version_of=version, key=key, name=name, position=place)
            for title in titles:
                position += 1
                TemplateTask.objects.create(
                    version_of=version,
                    phase=phase,
                    key=f"task-{position}",
                    title=title,
                    position=position,
                    offset_days=position * 3,
                )
        TemplateVersion.objects.filter(pk=version.pk).update(
            state="published", published_at=datetime.combine(self.today, time(0), UTC)
        )
        return version

    def facts(self) -> None:
        """The facts of the loaded clients, from the rows they were given."""
        last, year = self.first_client + self.n.clients - 1, self.today - timedelta(days=365)
        mine = f"BETWEEN {self.first_client} AND {last}"
        contact = f"SELECT DISTINCT ON (client_id) client_id, occurred_at, channel FROM interactions_interaction WHERE client_id {mine} AND channel <> 'note' AND archived_at IS NULL ORDER BY client_id, occurred_at DESC, id DESC"
        step = f"SELECT DISTINCT ON (client_id) client_id, due_at, id, count(*) OVER (PARTITION BY client_id) AS n FROM interactions_followup WHERE client_id {mine} AND state = 'open' ORDER BY client_id, due_at, id"
        nps = f"SELECT DISTINCT ON (client_id) client_id, score, answered_at FROM interactions_surveyresponse WHERE client_id {mine} ORDER BY client_id, answered_at DESC, id DESC"
        money = f"SELECT client_id, sum(amount_firm) AS total FROM clients_revenueline WHERE client_id {mine} AND date > DATE '{year}' AND date <= DATE '{self.today}' GROUP BY client_id"
        plan = f"SELECT DISTINCT ON (client_id) client_id, state, track, done_count, task_count FROM onboarding_plan WHERE client_id {mine} ORDER BY client_id, id DESC"
        since = "(SELECT min(start_date) FROM span s WHERE s.i = n.i AND s.status IN ('active', 'at_notice') AND s.start_date > coalesce((SELECT max(start_date) FROM span o WHERE o.i = n.i AND o.status NOT IN ('active', 'at_notice')), DATE '1900-01-01'))"
        self.execute("CREATE INDEX ON span (i)")
        for table in (
            "span",
            *(model._meta.db_table for model in (Interaction, FollowUp, SurveyResponse, RevenueLine, Plan)),
        ):
            self.execute(f"ANALYZE {table}")
        self.insert(
            ClientFacts,
            f"(SELECT * FROM span WHERE end_date IS NULL) n LEFT JOIN ({contact}) c USING (client_id) LEFT JOIN ({step}) f USING (client_id) "
            f"LEFT JOIN ({nps}) a USING (client_id) LEFT JOIN ({money}) r USING (client_id) LEFT JOIN ({plan}) p USING (client_id)",
            client_id="n.client_id",
            status="n.status",
            status_since="n.start_date",
            active_since=f"CASE WHEN n.status IN ('active', 'at_notice') THEN {since} END",
            last_contact_at="c.occurred_at",
            last_contact_channel="coalesce(c.channel, '')",
            next_step_at="f.due_at",
            next_step_id="f.id",
            open_follow_ups="coalesce(f.n, 0)",
            nps_score="a.score",
            nps_at="a.answered_at",
            revenue_12m="coalesce(r.total, 0)",
            onboarding_state="CASE WHEN p.state = 'active' THEN p.track WHEN p.state = 'done' THEN 'done' ELSE '' END",
            onboarding_done="coalesce(p.done_count, 0)",
            onboarding_total="coalesce(p.task_count, 0)",
        )
        refresh_contact_due()
