"""Addresses of surveys by mail, included by interactions/urls.py."""

from django.urls import path

from interactions.surveys.lists import INVITATIONS
from interactions.surveys.views import invitations, settings
from interactions.surveys.views import open as opened
from interactions.surveys.views import send as sending

urlpatterns = [
    path("surveys/send/", sending.send, name="survey-send"),
    path("surveys/settings/", settings.edit, name="survey-settings"),
    path("surveys/settings/mail/", settings.preview, name="survey-mail"),
    path("surveys/settings/test/", settings.test, name="survey-test"),
    *INVITATIONS.urls("surveys/asked/", "survey-invitations"),
    path("surveys/asked/<int:pk>/", invitations.show, name="survey-invitation"),
    path("surveys/asked/<int:pk>/mail/", invitations.mail, name="survey-invitation-mail"),
    path("surveys/asked/<int:pk>/skip/", invitations.skip, name="survey-invitation-skip"),
    path("surveys/asked/<int:pk>/bring-back/", invitations.back, name="survey-invitation-back"),
    path("surveys/asked/<int:pk>/send/", invitations.send, name="survey-invitation-send"),
    path("surveys/batches/<uuid:batch>/skip/", sending.take_back, name="survey-batch-skip"),
    path("clients/<int:client_id>/surveys/ask/", sending.ask, name="survey-ask"),
    path("mail/survey/<int:pk>/", opened.answer, name="survey-answer"),
    path("mail/survey/<int:pk>/stop/", opened.stop, name="survey-stop"),
    path("mail/survey/<int:pk>/stop/<str:token>/", opened.stop_link, name="survey-stop-link"),
    path("mail/survey/<int:pk>/<str:token>/", opened.answer_link, name="survey-answer-link"),
]
