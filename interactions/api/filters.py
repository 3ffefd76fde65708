import django_filters as filters

from interactions.agreements.models import Commitment
from interactions.follow_ups.models import FollowUp
from interactions.log.choices import Channel
from interactions.log.models import Interaction
from interactions.surveys.models import SurveyInvitation, SurveyResponse


class InteractionApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    author = filters.NumberFilter("author")
    channel = filters.MultipleChoiceFilter(choices=Channel.choices)
    since = filters.IsoDateTimeFilter("occurred_at", "gte")
    until = filters.IsoDateTimeFilter("occurred_at", "lt")

    class Meta:
        model = Interaction
        fields: list[str] = ["visibility", "sentiment"]


class FollowUpApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    assignee = filters.NumberFilter("assignee")
    due_from = filters.IsoDateTimeFilter("due_at", "gte")
    due_until = filters.IsoDateTimeFilter("due_at", "lt")

    class Meta:
        model = FollowUp
        fields: list[str] = ["state", "priority"]


class CommitmentApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    owner = filters.NumberFilter("owner")

    class Meta:
        model = Commitment
        fields: list[str] = ["state", "side"]


class SurveyResponseApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    survey = filters.NumberFilter("survey")
    since = filters.IsoDateTimeFilter("answered_at", "gte")
    until = filters.IsoDateTimeFilter("answered_at", "lt")

    class Meta:
        model = SurveyResponse
        fields: list[str] = ["score"]


class SurveyInvitationApiFilter(filters.FilterSet):
    client = filters.NumberFilter("client")
    contact = filters.NumberFilter("contact")
    survey = filters.NumberFilter("survey")

    class Meta:
        model = SurveyInvitation
        fields: list[str] = ["state", "source"]
