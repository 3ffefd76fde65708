"""Addresses of archives, included by crm/core/urls.py."""

from django.urls import path

from crm.core.archive import views

urlpatterns = [
    path("settings/data/", views.archive, name="archive"),
    path("settings/data/make/", views.make, name="archive_make"),
    path("settings/data/<int:pk>/download/", views.download, name="archive_download"),
    path("settings/data/<int:pk>/delete/", views.delete, name="archive_delete"),
    path("settings/data/<int:pk>/stop/", views.stop, name="archive_stop"),
]
