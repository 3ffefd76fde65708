"""Addresses of the import wizard, included by crm/core/urls.py."""

from django.urls import path

from crm.core.importing import undo_views, views

urlpatterns = [
    *views.IMPORTS.urls("imports/", "imports"),
    path("imports/new/", views.import_new, name="import_new"),
    path("imports/export/<slug:kind>.csv", views.import_export, name="import_export"),
    path("imports/<int:pk>/", views.import_page, name="import_page"),
    path("imports/<int:pk>/columns/", views.import_columns, name="import_columns"),
    path("imports/<int:pk>/preview/", views.import_preview, name="import_preview"),
    path("imports/<int:pk>/start/", views.import_start, name="import_start"),
    path("imports/<int:pk>/people/", views.import_people, name="import_people"),
    path("imports/<int:pk>/resume/", views.import_resume, name="import_resume"),
    path("imports/<int:pk>/discard/", views.import_discard, name="import_discard"),
    path("imports/<int:pk>/cancel/", views.import_cancel, name="import_cancel"),
    path("imports/<int:pk>/undo/", undo_views.import_undo, name="import_undo"),
    path("imports/<int:pk>/undo/stop/", undo_views.import_undo_stop, name="import_undo_stop"),
    path("imports/<int:pk>/failed-rows.csv", views.import_failed_rows, name="import_failed_rows"),
]
