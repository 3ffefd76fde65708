"""What an archive of the firm holds of this app. Registers itself."""

from crm.core.archive.tables import keep, leave_out, table
from interactions.agreements.models import Commitment, Decision
from interactions.cadence.models import Cadence
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.reading.models import ReadMark
from interactions.reminders.models import Digest, Told
from interactions.surveys.models import Survey, SurveyInvitation, SurveyResponse, SurveyRule

LINK = "Derives a secret link of emails sent from here."
NEW_SALT = "left(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 43)"

keep(Interaction, Interaction.contacts.through, Interaction.participants.through, Decision, Commitment)
keep(Cadence, FollowUp, ProgressSchedule, ProgressEmail, Survey, SurveyRule, SurveyResponse)
table(ProgressRecipient, without={"salt": LINK}, fill={"salt": NEW_SALT})
table(
    SurveyInvitation,
    without={"salt": LINK, "token_hash": LINK},
    fill={
        "salt": NEW_SALT,
        "token_hash": "CASE WHEN s.sent_at IS NULL THEN '' ELSE encode(sha256(gen_random_uuid()::text::bytea), 'hex') END",
    },
)
table(ReadMark, is_personal=True)
leave_out(Digest, Told, why="Morning emails and what emails told stay with the outbox that sent them.")
