"""The addresses of this room; `clients/urls.py` takes them."""

from django.urls import path

from clients.groups import views

urlpatterns = [path("clients/<int:client_id>/group/", views.show, name="group")]
