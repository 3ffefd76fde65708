from interactions.models.agreement import Commitment, Decision
from interactions.models.followup import Cadence, FollowUp
from interactions.models.interaction import Interaction
from interactions.models.progress import ProgressEmail, ProgressRecipient, ProgressSchedule
from interactions.models.survey import Survey, SurveyInvitation, SurveyResponse, SurveyRule

__all__ = [
    "Cadence",
    "Commitment",
    "Decision",
    "FollowUp",
    "Interaction",
    "ProgressEmail",
    "ProgressRecipient",
    "ProgressSchedule",
    "Survey",
    "SurveyInvitation",
    "SurveyResponse",
    "SurveyRule",
]
