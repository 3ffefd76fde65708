"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path

from clients.opportunities.lists import CLIENT_OPPORTUNITIES, OPPORTUNITIES
from clients.opportunities.views import board, pipelines, record, tab

urlpatterns = [
    *OPPORTUNITIES.urls("opportunities/", "opportunities"),
    *CLIENT_OPPORTUNITIES.urls("clients/<int:client_id>/opportunities/", "client_opportunities", show=tab.show),
    path("opportunities/new/", record.create, name="opportunity_new"),
    path("clients/<int:client_id>/opportunities/new/", record.create, name="opportunity_new_for"),
    path("opportunities/board/", board.show, name="opportunity_board"),
    path("opportunities/board/drop/", board.drop, name="opportunity_drop"),
    path("opportunities/board/<int:stage_id>/cards/", board.more, name="opportunity_cards"),
    path("opportunities/forecast/", board.forecast, name="opportunity_forecast"),
    path("opportunities/<int:pk>/", record.show, name="opportunity"),
    path("opportunities/<int:pk>/edit/", record.edit, name="opportunity_edit"),
    path("opportunities/<int:pk>/facts/<slug:name>/", record.fact, name="opportunity_fact"),
    path("opportunities/<int:pk>/move/", record.move, name="opportunity_move"),
    path("opportunities/<int:pk>/back/", record.back, name="opportunity_back"),
    path("opportunities/<int:pk>/won/", record.win, name="opportunity_won"),
    path("opportunities/<int:pk>/lost/", record.lose, name="opportunity_lost"),
    path("opportunities/<int:pk>/reopen/", record.reopen, name="opportunity_reopen"),
    path("opportunities/<int:pk>/archive/", record.archive, name="opportunity_archive"),
    path("opportunities/<int:pk>/restore/", record.restore, name="opportunity_restore"),
    path("settings/pipelines/", pipelines.show, name="pipelines"),
    path("settings/pipelines/new/", pipelines.create, name="pipeline_new"),
    path("settings/pipelines/<int:pipeline_id>/", pipelines.edit, name="pipeline"),
    path("settings/pipelines/<int:pipeline_id>/archive/", pipelines.archive, name="pipeline_archive"),
    path("settings/pipelines/<int:pipeline_id>/restore/", pipelines.restore, name="pipeline_restore"),
    path("settings/pipelines/<int:pipeline_id>/stages/new/", pipelines.add_stage, name="stage_new"),
    path("settings/pipelines/<int:pipeline_id>/order/", pipelines.order, name="stage_order"),
    path("settings/stages/<int:stage_id>/", pipelines.edit_stage, name="stage"),
    path("settings/stages/<int:stage_id>/remove/", pipelines.remove_stage, name="stage_remove"),
]
