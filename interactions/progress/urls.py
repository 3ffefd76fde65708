"""Addresses of progress emails, included by interactions/urls.py."""

from django.urls import path

from interactions.progress.lists import PROGRESS_EMAILS
from interactions.progress.views import client as client_views
from interactions.progress.views import review as views
from interactions.progress.views import stop as stop_views

urlpatterns = [
    *PROGRESS_EMAILS.urls("progress-emails/", "progress-emails"),
    path("progress-emails/<int:pk>/", views.progress, name="progress"),
    path("progress-emails/<int:pk>/preview/", views.progress_preview, name="progress_preview"),
    path("progress-emails/<int:pk>/skip/", views.progress_skip, name="progress_skip"),
    path("progress-emails/<int:pk>/bring-back/", views.progress_unskip, name="progress_unskip"),
    path("progress-emails/<int:pk>/take-back-approval/", views.progress_unapprove, name="progress_unapprove"),
    path("progress-emails/<int:pk>/take-back/", views.progress_unsend, name="progress_unsend"),
    path("progress-emails/<int:pk>/include/<int:decision_id>/", views.progress_include, name="progress_include"),
    path("clients/<int:client_id>/progress-emails/", client_views.client_progress, name="client_progress"),
    path("clients/<int:client_id>/progress-emails/schedule/", client_views.progress_schedule, name="progress_schedule"),
    path("progress-recipients/<int:pk>/resume/", client_views.progress_resume, name="progress_resume"),
    path("mail/stop/<int:pk>/", stop_views.progress_stopping, name="progress_stopping"),
    path("mail/stop/<int:pk>/<str:token>/", stop_views.progress_stop, name="progress_stop"),
]
