"""The system check that compares the pages without a login with the declared ones."""

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse
from django.urls import path
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.views import APIView

from crm.core.base import checks


@login_not_required
def careless(request):
    return HttpResponse("hello")


class Careless(APIView):
    permission_classes = [AllowAny]


class Closed(APIView):
    permission_classes = [IsAuthenticated]


def test_the_declared_pages_are_the_open_ones():
    assert checks.open_pages_are_the_declared_ones(None) == []


@pytest.mark.parametrize("view", [careless, Careless.as_view()])
def test_an_open_page_that_is_not_declared_is_an_error(monkeypatch, view):
    known = list(checks.addresses())
    monkeypatch.setattr(checks, "addresses", lambda: [*known, ("careless", path("careless/", view))])
    (error,) = checks.open_pages_are_the_declared_ones(None)
    assert "careless answers without a login" in error.msg


def test_a_declared_page_that_is_closed_is_an_error(monkeypatch):
    monkeypatch.setattr(checks, "OPEN_PAGES", checks.OPEN_PAGES | {"core:profile"})
    (error,) = checks.open_pages_are_the_declared_ones(None)
    assert "core:profile" in error.msg


def test_an_api_view_with_its_permissions_is_closed():
    assert not checks.is_open(path("x/", Closed.as_view()))
