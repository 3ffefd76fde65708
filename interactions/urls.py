"""What passes between the firm and its clients."""

from django.urls import path, register_converter

from interactions import progress_urls, survey_urls
from interactions.views import agreements, delivery, follow_ups, interactions, surveys, today

app_name = "interactions"


class ComposerList:
    """The long lists of the composer, by the field they fill."""

    regex = "contacts|participants|next_assignee"

    def to_python(self, value):
        return value

    def to_url(self, value):
        return value


register_converter(ComposerList, "composer_list")

urlpatterns = [
    path("today/", today.show, name="today"),
    path("interactions/", interactions.index, name="list"),
    path("interactions/<int:pk>/", interactions.detail, name="detail"),
    path("interactions/<int:pk>/correct/", interactions.correct, name="correct"),
    path("interactions/<int:pk>/archive/", interactions.archive, name="archive"),
    path("interactions/<int:pk>/restore/", interactions.restore, name="restore"),
    path("interactions/<int:pk>/pin/", interactions.pin, name="pin"),
    path("clients/<int:client_id>/log/", interactions.log, name="log"),
    path("clients/<int:client_id>/log/draft/", interactions.draft, name="draft"),
    path("clients/<int:client_id>/log/<composer_list:part>/", interactions.composer_list, name="composer-list"),
    path("follow-ups/", follow_ups.index, name="follow-ups"),
    path("follow-ups/<int:pk>/", follow_ups.edit, name="follow-up"),
    path("follow-ups/<int:pk>/done/", follow_ups.complete, name="follow-up-done"),
    path("follow-ups/<int:pk>/snooze/", follow_ups.snooze, name="follow-up-snooze"),
    path("follow-ups/<int:pk>/reassign/", follow_ups.reassign, name="follow-up-reassign"),
    path("follow-ups/<int:pk>/reopen/", follow_ups.reopen, name="follow-up-reopen"),
    path("follow-ups/<int:pk>/cancel/", follow_ups.cancel, name="follow-up-cancel"),
    path("clients/<int:client_id>/follow-ups/new/", follow_ups.create, name="follow-up-create"),
    path("clients/<int:client_id>/agreed/", agreements.show, name="agreed"),
    path("clients/<int:client_id>/agreed/decision/", agreements.decide, name="decision-create"),
    path("clients/<int:client_id>/agreed/promise/", agreements.commit, name="commitment-create"),
    path("clients/<int:client_id>/follow-ups/card/", follow_ups.card, name="follow-ups-card"),
    path("clients/<int:client_id>/cadence/", agreements.cadence, name="cadence"),
    path("promises/<int:pk>/settle/", agreements.settle, name="commitment-settle"),
    path("promises/<int:pk>/reopen/", agreements.reopen, name="commitment-reopen"),
    path("outbox/board/", delivery.board, name="delivery-board"),
    path("outbox/board/<str:week>/<slug:state>/", delivery.clients, name="delivery-clients"),
    path("morning-mail/<int:pk>/", delivery.digest, name="digest"),
    path("surveys/", surveys.index, name="surveys"),
    path("surveys/answers/<int:pk>/archive/", surveys.archive, name="answer-archive"),
    path("surveys/answers/<int:pk>/restore/", surveys.restore, name="answer-restore"),
    path("clients/<int:client_id>/surveys/", surveys.of_client, name="client-surveys"),
    path("clients/<int:client_id>/surveys/new/", surveys.enter, name="answer-create"),
]
urlpatterns += progress_urls.urlpatterns + survey_urls.urlpatterns
