from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.segments.models import LONGEST_NAME, Segment
from crm.core.ui.forms import Asks, Field, Form, Layout


class SegmentForm(Form):
    """Name and sharing; the rule stands beside it (clients/segments/drafts.py). What two people changed is merged by the service."""

    merges = False
    layout = Layout("name", Field("is_shared", switch=True))

    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME, error_messages={"required": _("Enter a name.")})
    is_shared = forms.BooleanField(
        label=_("Share with everyone"),
        required=False,
        help_text=_("Colleagues can use it. Each sees only the clients they may see."),
    )

    @classmethod
    def of(cls, data: Any, segment: Segment | None, **initial: Any) -> "SegmentForm":
        if segment is not None:
            initial |= {"name": segment.name, "is_shared": segment.is_shared, "version": segment.version}
        return cls(data, initial=initial)


class DeleteForm(Asks, Form):
    """Asks where the segment is in use."""

    def __init__(self, *args, question: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        self.question = question

    def clean(self):
        if self.question:
            self.ask(self.question, self.question)
        return super().clean()
