"""URLs of interactions, follow-ups, progress emails and surveys."""

from django.urls import path, register_converter

from interactions.agreements import views as agreements
from interactions.composer import views as interactions
from interactions.composer.lists import INTERACTIONS
from interactions.follow_ups import views as follow_ups
from interactions.follow_ups.lists import FOLLOW_UPS
from interactions.progress import urls as progress_urls
from interactions.progress.views import board
from interactions.reminders.views import digest
from interactions.surveys import urls as survey_urls
from interactions.surveys.lists import ANSWERS
from interactions.surveys.views import answers
from interactions.today import views as today

app_name = "interactions"


class ComposerList:
    """What the composer loads when it is opened: its long lists, by the field they fill, and the firm's own fields."""

    regex = "contacts|participants|next_assignee|fields"

    def to_python(self, value):
        return value

    def to_url(self, value):
        return value


register_converter(ComposerList, "composer_list")

urlpatterns = [
    path("today/", today.show, name="today"),
    *INTERACTIONS.urls("interactions/", "list"),
    path("interactions/<int:pk>/", interactions.detail, name="detail"),
    path("interactions/<int:pk>/facts/<slug:name>/", interactions.fact, name="fact"),
    path("interactions/<int:pk>/correct/", interactions.correct, name="correct"),
    path("interactions/<int:pk>/archive/", interactions.archive, name="archive"),
    path("interactions/<int:pk>/restore/", interactions.restore, name="restore"),
    path("interactions/<int:pk>/pin/", interactions.pin, name="pin"),
    path("clients/<int:client_id>/log/", interactions.log, name="log"),
    path("clients/<int:client_id>/log/draft/", interactions.draft, name="draft"),
    path("clients/<int:client_id>/log/draft/discard/", interactions.discard, name="draft-discard"),
    path("clients/<int:client_id>/log/draft/undo/", interactions.bring_back, name="draft-undo"),
    path("clients/<int:client_id>/log/<composer_list:part>/", interactions.composer_list, name="composer-list"),
    *FOLLOW_UPS.urls("follow-ups/", "follow-ups"),
    path("follow-ups/<int:pk>/", follow_ups.edit, name="follow-up"),
    path("referrals/<int:pk>/thanks/", follow_ups.thank, name="referral-thanks"),
    path("follow-ups/<int:pk>/done/", follow_ups.complete, name="follow-up-done"),
    path("follow-ups/<int:pk>/snooze/", follow_ups.snooze, name="follow-up-snooze"),
    path("follow-ups/<int:pk>/reassign/", follow_ups.reassign, name="follow-up-reassign"),
    path("follow-ups/<int:pk>/reopen/", follow_ups.reopen, name="follow-up-reopen"),
    path("follow-ups/<int:pk>/cancel/", follow_ups.cancel, name="follow-up-cancel"),
    path("clients/<int:client_id>/follow-ups/new/", follow_ups.create, name="follow-up-create"),
    path("clients/<int:client_id>/agreed/", agreements.show, name="agreed"),
    path("clients/<int:client_id>/agreed/decision/", agreements.decide, name="decision-create"),
    path("clients/<int:client_id>/agreed/promise/", agreements.commit, name="commitment-create"),
    path("clients/<int:client_id>/cadence/", agreements.cadence, name="cadence"),
    path("promises/<int:pk>/settle/", agreements.settle, name="commitment-settle"),
    path("promises/<int:pk>/reopen/", agreements.reopen, name="commitment-reopen"),
    path("outbox/board/", board.board, name="delivery-board"),
    *board.BOARD_CLIENTS.urls("outbox/board/<str:week>/<slug:state>/", "delivery-clients"),
    path("morning-mail/<int:pk>/", digest, name="digest"),
    *ANSWERS.urls("surveys/", "surveys"),
    path("surveys/answers/<int:pk>/archive/", answers.archive, name="answer-archive"),
    path("surveys/answers/<int:pk>/restore/", answers.restore, name="answer-restore"),
    path("clients/<int:client_id>/surveys/", answers.of_client, name="client-surveys"),
    path("clients/<int:client_id>/surveys/new/", answers.enter, name="answer-create"),
]
urlpatterns += progress_urls.urlpatterns + survey_urls.urlpatterns
