"""The living page of the design system: every component in every state, on invented data."""

from datetime import timedelta
from types import SimpleNamespace

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

TABS = ("foundations", "marks", "blocks", "lists", "forms", "timeline", "overlays", "charts")


class SampleForm(forms.Form):
    name = forms.CharField(label="Client", max_length=80, help_text="As it stands on their letterhead.")
    status = forms.ChoiceField(label="Status", choices=[("active", "Active"), ("paused", "Paused")])
    tags = forms.MultipleChoiceField(
        label="Tags",
        required=False,
        choices=[("vip", "VIP"), ("nordics", "Nordics"), ("audit", "Audit")],
        widget=forms.SelectMultiple(attrs={"data-combobox": ""}),
    )
    due = forms.DateField(label="Due", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))
    channel = forms.ChoiceField(
        label="Preferred channel", choices=[("phone", "Phone"), ("email", "Email")], widget=forms.RadioSelect
    )
    mandatory = forms.BooleanField(label="Mandatory", required=False)


def _dues(today):
    days = {"late": -2, "today": 0, "tomorrow": 1, "later": 30}
    return [(name, today + timedelta(days=n)) for name, n in days.items()] + [("none", None)]


def _moments(now):
    hours = (0.003, 0.2, 3, 24, 96, 960, 12000, -2, -48, -480)
    return [now - timedelta(hours=step) for step in hours]


def _clients(today):
    rows = [
        (
            "Northwind Advisory",
            "Tax and audit · Helsinki",
            "active",
            "Active",
            "A",
            "Send draft scope",
            1,
            6,
            78,
            48200,
        ),
        ("Halden & Partners", "Law · Oslo", "active", "Active", "A", "", None, 38, 41, 61900),
        (
            "Brightwater Clinic",
            "Healthcare · Leeds",
            "onboarding",
            "Onboarding",
            "B",
            "Collect bank mandate",
            -2,
            3,
            55,
            None,
        ),
        ("Fjord Media", "Agency · Bergen", "at_notice", "At notice", "C", "Renewal meeting", 11, 12, 61, 9800),
        ("Sable Architects", "Design · Lisbon", "paused", "Paused", "C", "Check in after break", 50, 54, 66, 4100),
    ]
    keys = ("name", "sub", "status", "label", "tier", "step", "due", "quiet", "health", "revenue")
    made = [SimpleNamespace(**dict(zip(keys, row, strict=True))) for row in rows]
    for client in made:
        client.due = None if client.due is None else today + timedelta(days=client.due)
    return made


def _chart():
    months = ["Dec", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov"]
    values = [88.1, 88.4, 88.0, 88.9, 89.3, 89.1, 89.8, 90.2, 90.0, 90.7, 91.1, 91.4]
    urls = [f"?tab=charts&month={month}" for month in months]
    return {
        "labels": months,
        "unit": "%",
        "min": 86,
        "max": 92,
        "series": [{"name": "Client retention", "values": values, "urls": urls}],
        "benchmark": {"value": 90},
    }


def _cohorts():
    rows = [
        ("Q1 24", 15, [100, 98, 97, 95, 94, 93, 92, 90, 88]),
        ("Q2 24", 22, [100, 98, 95, 93, 93, 92, 91, 89, 87]),
        ("Q3 24", 24, [100, 96, 94, 92, 90, 89, 86]),
        ("Q4 24", 23, [100, 96, 93, 92, 91]),
    ]
    return [{"label": label, "n": n, "cells": cells} for label, n, cells in rows]


def _bars():
    series = [{"name": "New", "values": [12, 18, 9, 22]}, {"name": "Upsell", "values": [6, 4, 11, 8]}]
    return {"labels": ["Q1", "Q2", "Q3", "Q4"], "unit": "k€", "series": series}


@require_http_methods(["GET", "POST"])
def styleguide(request):
    """GET shows a part (`?tab=`); POST receives the sample forms and does nothing."""
    if request.method == "POST":
        return HttpResponse(status=204)
    now, tab = timezone.now(), request.GET.get("tab")
    tab = tab if tab in TABS else TABS[0]
    today, chart = timezone.localdate(now), _chart()
    context = {
        "part": f"styleguide/{tab}.html",
        "tabs": [{"label": name.capitalize(), "url": f"?tab={name}", "current": name == tab} for name in TABS],
        "tones": ["", "green", "red", "amber", "blue", "violet", "accent"],
        "dues": _dues(today),
        "moments": _moments(now),
        "today": today,
        "clients": _clients(today),
        "form": SampleForm(initial={"name": "Northwind Advisory", "channel": "phone"}),
        "bad_form": SampleForm({"bad-status": "active", "bad-note": "What was typed stays."}, prefix="bad"),
        "chart": chart,
        "chart_rows": list(zip(chart["labels"], chart["series"][0]["values"], strict=True)),
        "bars": _bars(),
        "cohorts": _cohorts(),
    }
    return render(request, "styleguide.html", context)
