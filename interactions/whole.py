"""What belongs to the records of this app, so that the undo of an import takes or leaves them whole. Registers itself."""

from clients.importing.whole import with_external_ids
from clients.records.models import Client
from crm.core.importing import parts
from interactions.cadence.models import Cadence
from interactions.follow_ups.models import FollowUp
from interactions.log.models import Interaction, InteractionColleague, InteractionContact
from interactions.surveys.models import SurveyResponse

parts.register_parts(Client, "client_id", Cadence)
parts.register_parts(Interaction, "interaction_id", InteractionContact, InteractionColleague)
parts.charges.register(parts.Charge("FollowUp.assignee_id", FollowUp, "assignee_id"))
with_external_ids("interaction", Interaction)
with_external_ids("follow_up", FollowUp)
with_external_ids("survey_response", SurveyResponse)
