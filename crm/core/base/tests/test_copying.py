"""Rows that are copied have the history that their triggers would write."""

import re

import pghistory.trigger
import pgtrigger
import pytest
from django.apps import apps
from django.db import models

from crm.core.base import copying
from crm.core.base.models import fresh
from crm.core.importing.models import SourceValue

INSERT = re.compile(r'INSERT INTO "(\w+)" \((.*?)\) (?:VALUES \((.*)\);|SELECT (.*?) FROM )', re.DOTALL)


def tracked():
    return [
        (model, trigger)
        for model, trigger in pgtrigger.registered()
        if isinstance(trigger, pghistory.trigger.Event) and trigger.operation == pgtrigger.Insert
    ]


def written(sql):
    """(table, {column: value}) of a statement that writes events."""
    table, columns, values, selected = INSERT.search(" ".join(str(sql).split())).groups()
    pairs = zip(columns.split(", "), (values or selected).split(", "), strict=True)
    return table, {name.strip('"'): value for name, value in pairs}


@pytest.mark.parametrize(("model", "trigger"), tracked(), ids=lambda one: getattr(one, "__name__", ""))
def test_events_are_those_of_the_trigger(model, trigger):
    ignored, events = copying._history(model)
    assert ignored == trigger.get_pgid(model)
    table, values = written(trigger.get_func(model).func)
    said = {
        name: value.replace("NEW.", "t.").replace("_pgh_attach_context()", "c.id").replace("NOW()", "now()")
        for name, value in values.items()
    }
    assert written(events) == (table, said)


def test_many_models_are_copied():
    copied = [model for model, _trigger in tracked() if copying.can_copy(model)]
    assert len(copied) > 30


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model._meta.label)
def test_a_fresh_row_is_as_any_other(model):
    def said(row):
        return {name: value for name, value in vars(row).items() if name != "_state"}

    one, other = fresh(model), model()
    asked = {
        field.attname
        for field in model._meta.concrete_fields
        if callable(field.default) and field.default not in (models.NOT_PROVIDED, dict, list)
    }
    assert {n: v for n, v in said(one).items() if n not in asked} == {
        n: v for n, v in said(other).items() if n not in asked
    }
    assert one._state.adding
    for name, value in said(one).items():
        if isinstance(value, dict | list):
            assert value is not said(fresh(model))[name]


@pytest.mark.parametrize("text", ["", "a\tb", "a\\nb", "a\nb\r", "\\N", "\\", "Łódź 🙂", "\x0b\x1f", "'\"", "\\."])
@pytest.mark.django_db
def test_a_text_is_copied_as_it_is(text):
    rows = [SourceValue(system="s", field=f"f{n}", value=text, meaning=text) for n in range(3)]
    copying.copy_rows(rows)
    found = SourceValue.objects.filter(pk__in=[row.pk for row in rows])
    assert [(row.value, row.meaning) for row in found] == [(text, text)] * 3
    assert not rows[0]._state.adding
