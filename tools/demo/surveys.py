"""Surveys by mail: last month's round with its answers, an open one, a scheduled one, and a rule."""

from datetime import timedelta

from clients.records.models import Client
from crm.core.base.principals import acting
from interactions.surveys.models import SurveyInvitation
from interactions.surveys.services import answering, mailing, rules
from interactions.surveys.services.answers import ensure_nps_survey
from tools.demo import words
from tools.demo.progress import mark_as_sent

ROUND = timedelta(days=24)  # ago
LATELY = timedelta(days=4)
FIRST = (
    "Kestrel Robotics",
    "Aurora Hydro",
    "Tamarack Software",
    "Bayside Ferries",
    "Polar Data Centers",
    "Juniper Foods",
    "Vantage Property",
)
SCORES = (10, 9, 7, 9, 4)  # the others did not answer
SECOND = ("Deccan Textiles", "Meridian Pharma", "Osprey Logistics", "Brightwater Clinic")
COMING = ("Saari & Koski Oy", "Evergreen Gardens", "Linden Dental Group")


def make(stage) -> None:
    survey, manager = ensure_nps_survey(), stage.users["ines"]
    rules.set_rule(
        acting(manager),
        survey=survey,
        is_active=True,
        every_months=6,
        statuses=["active"],
        tiers=["B", "C"],
        now=stage.now,
    )
    for names, ago in ((FIRST, ROUND), (SECOND, LATELY)):
        moment = stage.office_hour((stage.now - ago).date(), "Europe/Helsinki")
        _invite(manager, survey, names, moment)
        mailing.send_due(moment + timedelta(minutes=5))
    rows = SurveyInvitation.objects.filter(client__name__in=FIRST).order_by("pk")
    for row, score in zip(rows, SCORES, strict=False):
        mood = "good" if score >= 9 else "middle" if score >= 7 else "bad"
        comment = stage.dice.choice(words.COMMENTS[mood])
        moment = row.sent_at + timedelta(hours=stage.dice.randint(1, 40))
        answering.answer_invitation(row.link_principal, invitation=row, score=score, comment=comment, now=moment)
    asked = SurveyInvitation.objects.filter(client__name__in=SECOND).order_by("pk")
    mailing.skip_invitation(
        acting(manager), invitation=asked.last(), reason="They have just spoken about it", now=stage.now - LATELY
    )
    mailing.expire_invitations(stage.now)
    day = stage.calendar.on_or_after(stage.today + timedelta(days=2))
    _invite(manager, survey, COMING, stage.now, send_date=day)
    mark_as_sent(stage)


def _invite(manager, survey, names, moment, **fields) -> None:
    clients = Client.objects.visible_to(acting(manager)).filter(name__in=names)
    mailing.invite_clients(acting(manager), survey=survey, clients=clients, now=moment, **fields)
