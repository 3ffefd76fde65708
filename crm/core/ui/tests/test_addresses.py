"""Addresses in templates are what `reverse` gives."""

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse

from crm.core.templatetags.addresses import _made_once


def rendered(text, **context):
    return Template(text).render(Context(context))


def test_an_address_is_that_of_its_row():
    for pk in (5, 6, 5):
        assert rendered("{% url 'clients:client' pk %}", pk=pk) == reverse("clients:client", args=[pk])
        assert rendered("{% url 'clients:client' client_id=pk %}", pk=pk) == reverse("clients:client", args=[pk])


def test_a_variable_a_missing_address_and_a_wrong_one():
    assert rendered("{% url 'clients:list' as there %}<{{ there }}>") == f"<{reverse('clients:list')}>"
    assert rendered("{% url 'clients:nowhere' as there %}<{{ there }}>") == "<>"
    with pytest.raises(NoReverseMatch):
        rendered("{% url 'clients:client' pk %}", pk="nobody")


def test_a_secret_is_escaped_and_not_kept():
    before = _made_once.cache_info().currsize
    found = rendered("{% url 'core:setup_link' code %}", code='"><b>')
    assert "<" not in found and '"' not in found
    assert _made_once.cache_info().currsize == before
