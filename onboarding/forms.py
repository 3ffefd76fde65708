"""Forms of the pages. They check input; the services check rules across rows."""

from django import forms
from django.utils.translation import gettext_lazy as _

from clients.engagements.forms import offer_engagements
from clients.engagements.models import Engagement
from clients.engagements.words import ONE, one
from crm.core.base.errors import ServiceError
from crm.core.base.reading import whole_number
from crm.core.ui.forms import TO_COME, Asks, AsksAboutPast, DateInput, Field, Form, Layout, ModelForm, RecordForm, Row
from crm.core.users.models import User
from onboarding.models import Plan, Task, Template, TemplateTask, TemplateVersion


class TemplateForm(ModelForm):
    class Meta:
        model = Template
        fields = ["name", "description"]
        widgets = {"description": forms.Textarea(attrs={"rows": 3})}


class NameForm(forms.Form):
    """One line that names a phase or a task."""

    name = forms.CharField(max_length=200)


class PhaseForm(Form):
    name = forms.CharField(label=_("Name of the phase"), max_length=120)


class TemplateTaskForm(RecordForm):
    layout = Layout(
        "title",
        Row("owner_side", "owner_role", "offset_days", "after", css="ob-pair"),
        "instructions",
        "done_when",
        Field("is_mandatory", switch=True),
        Field("is_client_visible", switch=True),
    )

    class Meta:
        model = TemplateTask
        fields = [
            "title",
            "owner_side",
            "owner_role",
            "offset_days",
            "after",
            "instructions",
            "done_when",
            "is_mandatory",
            "is_client_visible",
        ]
        labels = {"owner_role": _("Role"), "instructions": _("Instructions for the client")}
        help_texts = {"owner_role": ""}
        widgets = {
            "instructions": forms.Textarea(attrs={"rows": 3}),
            "offset_days": forms.NumberInput(attrs={"min": 0, "max": 730}),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        after = self.fields["after"]
        after.queryset = TemplateTask.objects.filter(version_of=self.instance.version_of_id).exclude(
            pk=self.instance.pk
        )
        after.empty_label = _("Kickoff")
        after.label = _("Counted from")
        self.fields["owner_role"].widget.attrs["list"] = "roles"


class MoveForm(forms.Form):
    """`where`: up, down, or the id of the phase to move to."""

    where = forms.RegexField(r"^(up|down|[0-9]{1,18})$")


class OrderForm(forms.Form):
    """The data SortableJS posts: the ids of a list in order, and the one that moved."""

    moved = forms.IntegerField()

    def clean(self):
        ids = [whole_number(value) for value in self.data.getlist("ids")]
        if None in ids or self.cleaned_data.get("moved") not in ids:
            raise forms.ValidationError(_("The order is incomplete."))
        self.cleaned_data["ids"] = ids
        return self.cleaned_data


class StartPlanForm(AsksAboutPast, Form):
    asked_day = "kickoff_date"

    template_version = forms.ModelChoiceField(
        TemplateVersion.objects.none(), label=_("Template"), empty_label=_("Choose one")
    )
    kickoff_date = forms.DateField(label=_("Kickoff"), widget=DateInput(attrs=TO_COME))
    owner = forms.ModelChoiceField(User.objects.none(), label=_("Owner"))
    engagement = forms.ModelChoiceField(Engagement.objects.none(), label=ONE, required=False)
    name = forms.CharField(
        label=_("Name"), max_length=160, required=False, help_text=_("Defaults to the template name")
    )

    def __init__(self, *args, client, principal, **kwargs):
        super().__init__(*args, **kwargs)
        offer_engagements(self, principal=principal, client=client)
        self.fields["template_version"].queryset = (
            TemplateVersion.objects.startable().select_related("template").order_by("template__name")
        )
        self.fields["template_version"].label_from_instance = lambda row: (
            _("%(name)s, version %(number)s")
            % {
                "name": row.template.name,
                "number": row.number,
            }
        )
        self.fields["owner"].queryset = User.objects.active()

    def plan_fields(self):
        """The arguments of `start_plan`."""
        values = dict(self.cleaned_data)
        return {"version": values.pop("template_version")} | values


class PlanForm(AsksAboutPast, RecordForm):
    asked_day = "kickoff_date"

    class Meta:
        model = Plan
        fields = ["name", "owner", "kickoff_date", "engagement"]
        widgets = {"kickoff_date": DateInput()}

    def __init__(self, *args, principal, **kwargs):
        super().__init__(*args, **kwargs)
        row = self.instance
        self.fields["engagement"].label = one()
        offer_engagements(self, principal=principal, client=row.client, present=row.engagement_id)
        self.fields["owner"].queryset = User.objects.active()
        self.fields["kickoff_date"].help_text = (
            _("The plan has started, so its kickoff is fixed. Change the due dates of its tasks instead.")
            if self.instance.has_started
            else _("Changing the kickoff moves every date you have not set yourself.")
        )


class TaskForm(Form):
    """A form of a task's page: it has one field, or none."""

    def refuse(self, error: ServiceError) -> None:
        """Show the service's error beside the field."""
        names = [field.name for field in self.visible_fields() if error.field]
        self.add_error(names[0] if names else None, error.message)


class SeenForm(TaskForm):
    """A button: holds only the version that the user saw."""

    merges = False


class FinishForm(Asks, SeenForm):
    """Completing a task; asks if an earlier task is open."""

    def __init__(self, data=None, *, task: Task, **kwargs):
        super().__init__(data, **kwargs)
        self.task = task

    @property
    def is_out_of_order(self) -> bool:
        return self.is_meant(str(self.task.after_id))

    def refuse(self, error: ServiceError) -> None:
        if error.code == "question":
            self.ask(str(self.task.after_id), error.message)
        else:
            super().refuse(error)


class ReasonForm(SeenForm):
    reason = forms.CharField(
        label=_("What is it waiting for, or why is it not needed?"), max_length=200, required=False
    )


class DueForm(SeenForm):
    layout = Layout("due_date")

    due_date = forms.DateField(label=_("Due"), widget=DateInput())


class AssignForm(SeenForm):
    """A colleague ("u" and the id), a contact ("c" and the id), or no one."""

    layout = Layout("person")

    person = forms.ChoiceField(label=_("Assignee"), required=False)

    def __init__(self, *args, users, contacts, **kwargs):
        super().__init__(*args, **kwargs)
        self.people = {f"u{row.pk}": row for row in users} | {f"c{row.pk}": row for row in contacts}
        self.fields["person"].choices = [
            ("", _("No one yet")),
            (_("Our side"), [(f"u{row.pk}", row.name) for row in users]),
            (_("Client's side"), [(f"c{row.pk}", row.name) for row in contacts]),
        ]

    def chosen(self):
        """{"assignee": user or None, "contact": contact or None}"""
        value = self.cleaned_data["person"]
        row = self.people.get(value)
        return {"assignee": row if value.startswith("u") else None, "contact": row if value.startswith("c") else None}


class CommentForm(TaskForm):
    text = forms.CharField(label=_("Comment"), widget=forms.Textarea(attrs={"rows": 2}))
