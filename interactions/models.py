"""Imports the models of all rooms, because Django looks for them here."""

from interactions.agreements.models import Commitment, Decision  # noqa: F401
from interactions.cadence.models import Cadence  # noqa: F401
from interactions.follow_ups.models import FollowUp  # noqa: F401
from interactions.log.models import Interaction, InteractionColleague, InteractionContact  # noqa: F401
from interactions.progress.models import ProgressEmail, ProgressRecipient, ProgressSchedule  # noqa: F401
from interactions.reading.models import ReadMark  # noqa: F401
from interactions.reminders.models import Digest, Told  # noqa: F401
from interactions.surveys.models import Survey, SurveyInvitation, SurveyResponse, SurveyRule  # noqa: F401
