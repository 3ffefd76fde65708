"""Addresses of the outbox, included by crm/core/urls.py."""

from django.urls import path

from crm.core.mail.lists import OUTBOX
from crm.core.mail.views import events, guards, scheduled
from crm.core.mail.views import outbox as views

urlpatterns = [
    *OUTBOX.urls("outbox/", "outbox"),
    path("outbox/coming/", scheduled.index, name="coming"),
    path("outbox/coming/<slug:source>/<int:pk>/skip/", scheduled.skip, name="coming_skip"),
    path("outbox/coming/<slug:source>/<int:pk>/bring-back/", scheduled.restore, name="coming_restore"),
    path("outbox/<int:pk>/", views.outbox_mail, name="outbox_mail"),
    path("outbox/<int:pk>/body/", views.outbox_body, name="outbox_body"),
    path("outbox/<int:pk>/cancel/", views.outbox_cancel, name="outbox_cancel"),
    path("outbox/<int:pk>/arrived/", views.outbox_arrived, name="outbox_arrived"),
    path("outbox/<int:pk>/again/", views.outbox_again, name="outbox_again"),
    path("outbox/<int:pk>/release/", views.outbox_release, name="outbox_release"),
    path("outbox/stopped/", guards.stopped, name="mail_stopped"),
    path("outbox/stopped/<int:pk>/lift/", guards.lift, name="mail_lift"),
    path("outbox/holds/", guards.holds, name="mail_holds"),
    path("outbox/holds/release/", guards.release, name="mail_release"),
    path("outbox/holds/<int:pk>/answer/", guards.answer, name="mail_answer"),
    path("mail/events/<slug:provider>/", events.mail_events, name="mail_events"),
]
