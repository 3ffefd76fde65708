"""Addresses of the import wizard, included by crm/core/urls.py."""

from django.urls import path

from crm.core.importing import views

urlpatterns = [
    *views.IMPORTS.urls("imports/", "imports"),
    path("imports/new/", views.import_new, name="import_new"),
    path("imports/<int:pk>/", views.import_page, name="import_page"),
    path("imports/<int:pk>/columns/", views.import_columns, name="import_columns"),
    path("imports/<int:pk>/preview/", views.import_preview, name="import_preview"),
    path("imports/<int:pk>/start/", views.import_start, name="import_start"),
    path("imports/<int:pk>/cancel/", views.import_cancel, name="import_cancel"),
    path("imports/<int:pk>/failed-rows.csv", views.import_failed_rows, name="import_failed_rows"),
]
