"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path

from clients.merging import views
from clients.merging.lists import CLIENT_MERGES, CONTACT_MERGES

CLIENTS, CONTACTS = {"kind": "clients"}, {"kind": "contacts"}
urlpatterns = [
    *CLIENT_MERGES.urls("clients/merges/", "merges"),
    *CONTACT_MERGES.urls("contacts/merges/", "contact_merges"),
    path("clients/merges/<int:pk>/", views.page, CLIENTS, name="merge_page"),
    path("contacts/merges/<int:pk>/", views.page, CONTACTS, name="contact_merge_page"),
    path("clients/merges/<int:pk>/undo/", views.undo, CLIENTS, name="undo_merge"),
    path("contacts/merges/<int:pk>/undo/", views.undo, CONTACTS, name="undo_contact_merge"),
    path("clients/<int:pk>/merge/", views.choose, CLIENTS, name="merge"),
    path("contacts/<int:pk>/merge/", views.choose, CONTACTS, name="merge_contact"),
    path("clients/<int:pk>/merge/<int:away_id>/", views.compare, CLIENTS, name="merge_with"),
    path("contacts/<int:pk>/merge/<int:away_id>/", views.compare, CONTACTS, name="merge_contact_with"),
]
