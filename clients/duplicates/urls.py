"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path, re_path

from clients.duplicates import views
from clients.duplicates.lists import CLIENT_DUPLICATES, CONTACT_DUPLICATES

urlpatterns = [
    *CLIENT_DUPLICATES.urls("clients/duplicates/", "duplicates"),
    *CONTACT_DUPLICATES.urls("contacts/duplicates/", "contact_duplicates"),
    path("clients/similar/", views.similar_clients, name="similar"),
    path("contacts/similar/", views.similar_contacts, name="similar_contacts"),
    re_path(
        r"^(?P<kind>clients|contacts)/duplicates/(?P<pk>[0-9]{1,18})/dismiss/$", views.dismiss, name="duplicate_dismiss"
    ),
    re_path(
        r"^(?P<kind>clients|contacts)/duplicates/(?P<pk>[0-9]{1,18})/reopen/$", views.reopen, name="duplicate_reopen"
    ),
]
