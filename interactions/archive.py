"""What an archive of the firm holds of this app. Registers itself."""

from crm.core.archive.tables import keep, leave_out, open_to_all, table
from crm.core.base.secret_links import hash_token, new_salt
from interactions.agreements.models import Commitment, Decision
from interactions.cadence.models import Cadence
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.reading.models import ReadMark
from interactions.reminders.models import Digest, Told
from interactions.surveys.models import Survey, SurveyInvitation, SurveyResponse, SurveyRule

LINK = "Derives a secret link of emails sent from here."


def _new_salt(row: dict[str, str]) -> str:
    return new_salt()


def _hash_of_nothing(row: dict[str, str]) -> str:
    """What was sent has a hash; no link leads to this one."""
    return hash_token(new_salt()) if row["sent_at"] else ""


keep(Interaction, Interaction.contacts.through, Interaction.participants.through, Decision, Commitment)
keep(Cadence, FollowUp, ProgressSchedule, ProgressEmail, Survey, SurveyRule, SurveyResponse)
table(ProgressRecipient, without={"salt": LINK}, fill={"salt": _new_salt})
table(
    SurveyInvitation,
    without={"salt": LINK, "token_hash": LINK},
    fill={"salt": _new_salt, "token_hash": _hash_of_nothing},
)
table(ReadMark, is_personal=True)
open_to_all(Survey, why="What is asked; the answers are narrowed by their clients.")
leave_out(Digest, Told, why="Morning emails and what emails told stay with the outbox that sent them.")
