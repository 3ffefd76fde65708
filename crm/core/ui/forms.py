"""Form base: our field templates, the user's zone, names of people who may be chosen."""

from django import forms
from django.forms.renderers import TemplatesSetting


class Renderer(TemplatesSetting):
    """Django's form templates, found next to ours."""


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self, **kwargs):
        super().__init__(format="%Y-%m-%d", **kwargs)


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self, **kwargs):
        super().__init__(format="%H:%M", **kwargs)


class DateTimeInput(forms.DateTimeInput):
    input_type = "datetime-local"

    def __init__(self, **kwargs):
        super().__init__(format="%Y-%m-%dT%H:%M", **kwargs)


class VersionedFormMixin:
    """Carries the version the user saw, so that the service can refuse a stale write."""

    def seen_version(self) -> int | None:
        value = self.data.get(self.add_prefix("version")) if self.is_bound else None
        return int(value) if value and str(value).isdigit() else None
