"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path

from clients.cover import views
from clients.cover.lists import COVERS

urlpatterns = [
    *COVERS.urls("absences/", "covers"),
    path("absences/new/", views.create, name="cover_new"),
    path("absences/<int:pk>/", views.edit, name="cover"),
    path("absences/<int:pk>/end/", views.end, name="cover_end"),
    path("absences/<int:pk>/resume/", views.resume, name="cover_resume"),
]
