from django.urls import path

from crm.core.fields.custom import views

urlpatterns = [
    path("settings/fields/", views.fields, name="fields"),
    path("settings/fields/<int:pk>/", views.field, name="field"),
    path("settings/fields/<int:pk>/archive/", views.field_archive, name="field_archive"),
    path("settings/fields/<int:pk>/restore/", views.field_restore, name="field_restore"),
    path("settings/fields/<int:pk>/type/", views.field_kind, name="field_kind"),
    path("settings/fields/<int:pk>/choices/", views.field_choices, name="field_choices"),
    path("settings/fields/changes/<int:pk>/", views.field_change, name="field_change"),
    path("settings/fields/changes/<int:pk>/stop/", views.field_change_stop, name="field_change_stop"),
    path("settings/fields/changes/<int:pk>/undo/", views.field_kind_undo, name="field_kind_undo"),
    path("settings/fields/sections/<int:pk>/", views.section, name="field_section"),
    path("settings/fields/sections/<int:pk>/remove/", views.section_remove, name="field_section_remove"),
    path("settings/fields/of/<slug:record>/", views.fields, name="fields_of"),
    path("settings/fields/of/<slug:record>/new/", views.field_new, name="field_new"),
    path("settings/fields/of/<slug:record>/order/", views.field_order, name="field_order"),
    path("settings/fields/of/<slug:record>/sections/new/", views.section_new, name="field_section_new"),
    path("settings/fields/of/<slug:record>/sections/order/", views.section_order, name="field_section_order"),
]
