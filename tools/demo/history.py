"""Eighteen months of conversations, follow-ups and survey answers."""

from datetime import datetime, timedelta

from django.db.models import F

from clients.contacts.models import Contact
from clients.records.models import Client
from crm.core.base.principals import acting
from interactions.follow_ups.services import complete_follow_up, create_follow_up
from interactions.log.models import Interaction
from interactions.recording.services import Entry, log_interactions, new_interaction
from interactions.surveys.services.answers import ensure_nps_survey, record_answer
from tools.demo import cast, words

COUNT = {"A": 20, "B": 12, "C": 7}
MONTHS = 540  # days
LAST_CONTACT = {
    "steady": (1, 12),
    "growing": (0, 9),
    "quiet": (70, 95),
    "at_risk": (19, 24),
    "at_notice": (6, 12),
    "paused": (54, 60),
}
SCORES = {
    "growing": (9, 10, 10, 9),
    "steady": (8, 9, 9, 7, 10, 8),
    "quiet": (7, 6, 8),
    "at_risk": (7, 5, 4),
    "at_notice": (8, 6),
    "returned": (9, 8),
}


def make(stage) -> None:
    survey = ensure_nps_survey()
    for role in cast.CLIENTS:
        client = stage.clients[role.name]
        people = list(Contact.objects.filter(affiliations__client=client).order_by("-affiliations__is_primary", "pk"))
        _talks(stage, role, client, people)
        _answers(stage, role, client, people, survey)
        _open_steps(stage, role, client, people)


def _talks(stage, role, client: Client, people) -> None:
    days = _days(stage, role)
    owner = stage.users[role.owner]
    talks: list[tuple[words.Talk, datetime]] = []
    entries: list[Entry] = []
    for place, day in enumerate(days):
        talk = _pick(stage, role, len(days) - place)
        at = stage.office_hour(day, role.zone)
        if at >= stage.now - timedelta(minutes=30):
            continue
        person = people[0] if stage.dice.random() < 0.75 else stage.dice.choice(people)
        interaction = new_interaction(
            acting(owner),
            client=client,
            channel=talk.channel,
            occurred_at=at,
            subject=talk.subject,
            body=talk.body.format(first=person.first_name),
            duration_minutes=talk.minutes,
            sentiment=talk.sentiment,
            visibility="shared" if talk.channel in ("meeting", "video") else "firm",
            now=at + timedelta(minutes=20),
            is_demo=True,
        )
        contacts = [] if talk.channel == "note" else [person]
        entries.append(Entry(interaction, contacts, decision=talk.decision, is_decision_shared=True))
        talks.append((talk, at))
    log_interactions(acting(owner), rows=entries)
    Interaction.objects.filter(client=client).update(created_at=F("occurred_at"))
    for talk, at in talks:
        if talk.next_step and (stage.now - at).days > 21:
            _done_step(stage, client, owner, talk, at)


def _days(stage, role):
    """Dates of conversations, oldest first; the story decides the last one."""
    from_day = stage.today - timedelta(days=min(MONTHS, max(3, round(role.years * 365) - 1)))
    newest, oldest = LAST_CONTACT.get(role.story, (1, 10))
    if role.story.startswith("left"):
        newest = oldest = {"left_price": 88, "left_contact": 150, "left_slow": 260, "left_merged": 310}[role.story]
    last = stage.today - timedelta(days=stage.dice.randint(newest, oldest))
    count = max(2, round(COUNT[role.tier] * min(1, max(0.12, role.years / 1.5))))
    span = max(1, (last - from_day).days)
    days = {last} | {from_day + timedelta(days=stage.dice.randint(0, span)) for _ in range(count - 1)}
    return sorted(days)


def _pick(stage, role, from_end: int) -> words.Talk:
    if role.story.startswith("onboarding"):
        return words.ONBOARDING[min(len(words.ONBOARDING) - 1, max(0, 3 - from_end))]
    if role.story == "prospect":
        return words.PROSPECT[1 if from_end == 1 else 0]
    if role.story == "at_risk" and from_end <= 3:
        return words.AT_RISK[3 - from_end]
    if role.story == "quiet" and from_end <= 2:
        return words.QUIET[2 - from_end]
    if role.story == "growing" and from_end <= 3:
        return words.GROWING[3 - from_end]
    return stage.dice.choice(words.STEADY)


def _done_step(stage, client, owner, talk, at: datetime) -> None:
    due = stage.calendar.add(at.date(), 3)
    follow_up = create_follow_up(
        acting(owner),
        client=client,
        title=talk.next_step,
        due_date=due,
        time_zone=client.time_zone,
        wants_reminder=False,
        now=at,
        is_demo=True,
    )
    done_at = stage.office_hour(due, client.time_zone)
    complete_follow_up(
        acting(owner),
        follow_up=follow_up,
        outcome=stage.dice.choice(("Done.", "Sent.", "Talked it through.", "")),
        now=done_at,
    )
    _entered(follow_up, at)


def _answers(stage, role, client, people, survey) -> None:
    scores = SCORES.get(role.story, ()) if role.years > 1 else ()
    if role.story == "left_slow":
        scores = (4,)
    for months_ago in (11, 5, 1):
        at = stage.now - timedelta(days=months_ago * 30 + stage.dice.randint(0, 20))
        if not scores or (role.story.startswith("left") and months_ago != 11) or stage.dice.random() < 0.12:
            continue
        score = scores[-1] if role.story == "at_risk" and months_ago == 1 else stage.dice.choice(scores)
        mood = "good" if score >= 9 else "middle" if score >= 7 else "bad"
        for person in people[: 2 if role.tier == "A" else 1]:
            record_answer(
                acting(stage.users[role.owner]),
                survey=survey,
                client=client,
                contact=person,
                score=score,
                comment=stage.dice.choice(words.COMMENTS[mood]),
                answered_at=at,
                now=at,
                is_demo=True,
            )


OPEN = {
    "Saari & Koski Oy": ("Send draft scope", 1),
    "Evergreen Gardens": ("Ask for the October receipts", -3),
    "Brightwater Clinic": ("Collect bank mandate", -2),
    "Osprey Logistics": ("Call about the late invoice", 8),
    "Fjord Media": ("Meeting about the notice", 3),
    "Kestrel Robotics": ("Prepare the quarterly review", 16),
    "Linden Dental Group": ("Send the payroll quote", 0),
    "Sable Architects": ("Check in after the break", 50),
    "Juniper Foods": ("Share the stock report", 22),
    "Tamarack Software": ("Agree the audit calendar", 0),
    "Aurora Hydro": ("Send cash by week", 5),
    "Meridian Pharma": ("Ask about the new site", -4),
    "Polar Data Centers": ("Send the board figures", 2),
    "Bayside Ferries": ("Call before their year end", 1),
    "Deccan Textiles": ("Send the due diligence list", 4),
    "Ridgeway Capital": ("Second round of questions", 2),
    "Summit Outdoor": ("Ask who creates the user", -6),
    "Hallgrim Fisheries": ("Confirm the visit", 11),
    "Kuura Cosmetics": ("Call about the offer", 1),
    "Tidal Swim School": ("Send the offer", 3),
    "Vantage Property": ("Renewal meeting", 30),
    "Pellervo Forest": ("Send the tax plan", 0),
}


def _open_steps(stage, role, client, people) -> None:
    if role.name not in OPEN:
        return
    title, days = OPEN[role.name]
    due = stage.today + timedelta(days=days)
    due = stage.calendar.on_or_after(due) if days > 0 else due
    owner = stage.users[role.owner]
    made = stage.now - timedelta(days=max(2, 2 - days))
    follow_up = create_follow_up(
        acting(owner),
        client=client,
        title=title,
        due_date=due,
        time_zone=client.time_zone,
        contact=people[0],
        wants_reminder=days >= 0,
        now=made,
        is_demo=True,
    )
    _entered(follow_up, made)


def _entered(row, at: datetime) -> None:
    """Set the row's creation time to then, instead of when the demo was built."""
    type(row).objects.filter(pk=row.pk).update(created_at=at)
