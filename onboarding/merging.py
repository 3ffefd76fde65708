"""What this app owns of a client and of a contact, and how a merge treats it. Registers itself."""

from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.merging.relations import Consequence, consequences, relate
from clients.records.models import Client
from onboarding.models import Plan, Task, TaskComment

relate(Client, "client_id", Plan, label=_("Onboarding plans"))
relate(Contact, "contact_id", Task, label=_("Onboarding tasks"))
relate(Contact, "done_by_contact_id", Task)
relate(Contact, "author_contact_id", TaskComment)

running = _("Onboarding plans of %(away)s go on at %(kept)s with the same dates.")
consequences.register(Consequence("onboarding", Client, running, 70))
