"""Writes one mail of each kind with the code of commit 4f8d5f9. Copied into that commit's tree and run there, never imported.

Every name of the product here is a name of that commit and stays as it is. `python old_4f8d5f9.py` uses the servers of the data folder,
prints {kind: Message-ID} as one line of JSON, and keeps the servers until its standard input ends.
"""

import json
import os
import sys
from datetime import timedelta


def main() -> None:
    from crm import embedded

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    embedded.complete(os.environ)
    try:
        import django

        django.setup()
        made = {
            "survey": survey(),
            "progress": progress(),
            "invitation": invitation(),
            "reset": reset(),
            "plain": plain(),
        }
        print(json.dumps({kind: mail.message_id for kind, mail in made.items()}), flush=True)
        sys.stdin.read()
    finally:
        embedded.release()


def survey():
    """To the first person who may be asked. Whoever was asked before may not be asked again."""
    from django.utils import timezone

    from clients.models import Client, Contact
    from crm.core.models import OutboxMail
    from interactions.services import ensure_nps_survey
    from interactions.services.survey_mailing import ask_contacts, askable

    now, asked = timezone.now(), ensure_nps_survey()
    for client in Client.objects.filter(archived_at=None).select_related("owner").order_by("pk"):
        people = [person.contact_id for person in askable(survey=asked, client=client, now=now) if not person.reason]
        contacts = Contact.objects.filter(pk__in=people[:1])
        if contacts:
            (row,) = ask_contacts(actor=client.owner, survey=asked, client=client, contacts=contacts, now=now)
            if mail := sound(OutboxMail.objects.filter(key=row.key)):
                return mail
    raise SystemExit("Nobody in the demo firm can be asked a survey.")


def progress():
    """The first one that can be sent. Where none is open, the coming week is planned first."""
    from django.utils import timezone

    from interactions.services.progress import plan_progress

    now = timezone.now()
    for days in range(9):
        if days:
            plan_progress(now + timedelta(days=days))
        if mail := send_open_progress(now):
            return mail
    raise SystemExit("No progress email of the demo firm can be sent.")


def send_open_progress(now):
    from crm.core.errors import ServiceError
    from crm.core.models import OutboxMail
    from interactions.choices import ProgressState
    from interactions.models import ProgressEmail
    from interactions.services.progress_drafts import draft_progress
    from interactions.services.progress_sending import send_progress_now

    unsent = ProgressEmail.objects.filter(state__in=[ProgressState.DRAFT, ProgressState.PLANNED])
    for email in unsent.select_related("client__owner").order_by("state", "pk"):
        try:
            email = draft_progress(email=email, now=now)
            send_progress_now(actor=email.client.owner, email=email, now=now)
        except ServiceError:
            continue
        key = f"progress:{email.client_id}:"
        if mail := sound(OutboxMail.objects.filter(key__startswith=key, key__endswith=f":{email.week}")):
            return mail
    return None


def invitation():
    from django.utils import timezone

    from crm.core.models import Invitation, OutboxMail, User
    from crm.core.services.invitations import invite

    admin = User.objects.filter(roles__contains=["admin"]).order_by("pk")[0]
    number = Invitation.objects.count() + 1
    made = invite(
        actor=admin,
        email=f"upgrade-{number}@northlight.example",
        name=f"Upgrade {number}",
        roles=["account_manager"],
        now=timezone.now(),
    )
    return OutboxMail.objects.get(kind="invitation", to_address=made.email)


def reset():
    """To somebody who has not asked for a link yet."""
    from allauth.account.utils import user_pk_to_url_str

    from crm.core.models import OutboxMail, User
    from crm.core.services.passwords import send_reset_link

    asked = OutboxMail.objects.filter(key__startswith="account:reset:").values("user")
    user = User.objects.active().exclude(pk__in=asked).order_by("pk")[0]
    return send_reset_link(user=user, uid=user_pk_to_url_str(user))


def plain():
    """A mail without a link."""
    from crm.core.models import User
    from interactions.emails_survey import mail_survey_test
    from interactions.services import ensure_nps_survey

    return mail_survey_test(actor=User.objects.active().order_by("pk")[0], survey=ensure_nps_survey())


def sound(mails):
    """The first that leaves, or has left."""
    return mails.filter(state__in=["pending", "leased", "sending", "sent"]).order_by("pk").first()


if __name__ == "__main__":
    main()
