"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path

from clients.referrals import views
from clients.referrals.lists import REFERRALS

urlpatterns = [
    *REFERRALS.urls("referrals/", "referrals"),
    path("referrals/by-referrer/", views.by_referrer, name="referrers"),
    path("referrals/by-referrer/export/", views.export_by_referrer, name="referrers_export"),
    path("referrals/<int:pk>/", views.edit, name="referral"),
    path("referrals/<int:pk>/archive/", views.archive, name="referral_archive"),
    path("referrals/<int:pk>/restore/", views.restore, name="referral_restore"),
    path("clients/<int:client_id>/referrals/new/", views.create, name="referral_new"),
]
