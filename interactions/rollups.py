"""What a roll-up of clients may compute, of the rows of this app."""

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crm.core.fields.custom.formulas.checking import Result
from crm.core.fields.custom.rollups import Condition, Measure, Source, by_choice, sources
from interactions.agreements.choices import CommitmentState, Side
from interactions.agreements.models import Commitment
from interactions.follow_ups.choices import FollowUpState
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import CONTACT_CHANNELS, Channel, Direction
from interactions.log.models import Interaction
from interactions.surveys.choices import SurveyKind
from interactions.surveys.models import SurveyResponse

sources.register(
    Source(
        "interactions",
        "client",
        _("Interactions"),
        lambda principal: Interaction.objects.visible_to(principal).kept(),
        "occurred_at",
        _("Those that the reader may read: private ones count for those who took part, notes like all others."),
        is_moment=True,
        rows_of_seen=lambda principal: Interaction.objects.of_seen_clients(principal).kept(),
        measures=(
            Measure("occurred_at", _("When"), "occurred_at", Result.DATE, is_moment=True),
            Measure("duration", _("Duration, minutes"), "duration_minutes"),
            Measure("sentiment", _("Sentiment, −2 to 2"), "sentiment"),
        ),
        conditions=(
            Condition("contact=yes", _("Contact with the client"), lambda asked: Q(channel__in=CONTACT_CHANNELS)),
            *by_choice("channel", _("Type"), Channel.choices),
            *by_choice("direction", _("Direction"), Direction.choices),
        ),
        order=110,
    )
)
sources.register(
    Source(
        "follow_ups",
        "client",
        _("Follow-ups"),
        lambda principal: FollowUp.objects.visible_to(principal),
        "due_date",
        _("Of any colleague, but for those of restricted engagements that the reader does not see."),
        measures=(Measure("due_date", _("Due"), "due_date", Result.DATE),),
        conditions=(
            *by_choice("state", _("State"), FollowUpState.choices),
            Condition("overdue", _("Overdue"), lambda asked: Q(state=FollowUpState.OPEN, due_date__lt=asked.today)),
        ),
        order=120,
    )
)
sources.register(
    Source(
        "commitments",
        "client",
        _("Commitments"),
        lambda principal: Commitment.objects.visible_to(principal),
        "due_date",
        _("Of both sides, as far as the reader sees the interaction they come from."),
        measures=(Measure("due_date", _("Due"), "due_date", Result.DATE),),
        conditions=(
            *by_choice("state", _("State"), CommitmentState.choices),
            *by_choice("side", _("Side"), Side.choices),
            Condition("overdue", _("Overdue"), lambda asked: Q(state=CommitmentState.OPEN, due_date__lt=asked.today)),
        ),
        order=130,
    )
)
sources.register(
    Source(
        "answers",
        "client",
        _("Survey answers"),
        lambda principal: SurveyResponse.objects.visible_to(principal).kept(),
        "answered_at",
        _("All answers of the client's contacts. Choose one kind of survey to compare scores."),
        is_moment=True,
        measures=(
            Measure("score", _("Score"), "score"),
            Measure("answered_at", _("Answered"), "answered_at", Result.DATE, is_moment=True),
        ),
        conditions=tuple(by_choice("survey__kind", _("Survey"), SurveyKind.choices)),
        order=140,
    )
)
