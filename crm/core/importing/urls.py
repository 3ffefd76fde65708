"""Addresses of the import wizard, included by crm/core/urls.py."""

from django.urls import path

from crm.core.importing import move_views, reading_views, undo_views, views

urlpatterns = [
    *views.IMPORTS.urls("imports/", "imports"),
    path("imports/new/", views.import_new, name="import_new"),
    path("imports/reading/<int:pk>/", reading_views.reading_page, name="import_reading"),
    path("imports/reading/<int:pk>/again/", reading_views.read_again, name="import_read_again"),
    path("imports/reading/<int:pk>/stop/", reading_views.reading_stop, name="import_reading_stop"),
    path("imports/saved/", move_views.saved_mappings, name="import_mappings"),
    path("imports/saved/<int:pk>/forget/", move_views.forget, name="import_mapping_forget"),
    path("imports/moves/<int:pk>/", move_views.move_page, name="import_move"),
    path("imports/moves/<int:pk>/files/", move_views.add, name="import_move_add"),
    path("imports/moves/<int:pk>/check/", move_views.check, name="import_move_check"),
    path("imports/moves/<int:pk>/start/", move_views.start, name="import_move_start"),
    path("imports/moves/<int:pk>/pause/", move_views.pause, name="import_move_pause"),
    path("imports/moves/<int:pk>/undo/", move_views.undo, name="import_move_undo"),
    path("imports/moves/<int:pk>/undo/stop/", move_views.undo_stop, name="import_move_undo_stop"),
    path("imports/moves/<int:pk>/words/", move_views.words, name="import_move_words"),
    path("imports/moves/<int:pk>/zone/", move_views.zone, name="import_move_zone"),
    path("imports/moves/<int:pk>/<int:job>/kind/", move_views.kind, name="import_move_kind"),
    path("imports/moves/<int:pk>/<int:job>/leave-out/", move_views.leave_out, name="import_move_leave_out"),
    path("imports/export/<slug:kind>.csv", views.import_export, name="import_export"),
    path("imports/<int:pk>/", views.import_page, name="import_page"),
    path("imports/<int:pk>/table/", views.import_table, name="import_table"),
    path("imports/<int:pk>/columns/", views.import_columns, name="import_columns"),
    path("imports/<int:pk>/preview/", views.import_preview, name="import_preview"),
    path("imports/<int:pk>/start/", views.import_start, name="import_start"),
    path("imports/<int:pk>/values/", views.import_values, name="import_values"),
    path("imports/<int:pk>/kind/", views.import_kind, name="import_kind"),
    path("imports/<int:pk>/resume/", views.import_resume, name="import_resume"),
    path("imports/<int:pk>/again/", views.import_again, name="import_again"),
    path("imports/<int:pk>/discard/", views.import_discard, name="import_discard"),
    path("imports/<int:pk>/cancel/", views.import_cancel, name="import_cancel"),
    path("imports/<int:pk>/undo/", undo_views.import_undo, name="import_undo"),
    path("imports/<int:pk>/undo/stop/", undo_views.import_undo_stop, name="import_undo_stop"),
    path("imports/<int:pk>/failed-rows.csv", views.import_failed_rows, name="import_failed_rows"),
]
