from interactions.models.agreement import Commitment, Decision
from interactions.models.followup import Cadence, FollowUp
from interactions.models.interaction import Interaction
from interactions.models.progress import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.models.reminding import Digest, ReadMark, Told
from interactions.models.survey import Survey, SurveyInvitation, SurveyResponse, SurveyRule

__all__ = [
    "Cadence",
    "Commitment",
    "Decision",
    "Digest",
    "FollowUp",
    "Interaction",
    "ProgressEmail",
    "ProgressRecipient",
    "ProgressSchedule",
    "ReadMark",
    "Survey",
    "SurveyInvitation",
    "SurveyResponse",
    "SurveyRule",
    "Told",
]
