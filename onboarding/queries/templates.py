"""Data of the template pages: the builder's cards, the preview of a plan, differences between versions."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zlib import crc32

from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from crm.core.firm.calendar import WorkingCalendar
from crm.core.firm.queries import get_firm
from crm.core.ui.formatting import short_day
from onboarding import schedule
from onboarding.choices import PLAN, OwnerSide, VersionState
from onboarding.models import Plan, Template, TemplatePhase, TemplateTask, TemplateVersion
from onboarding.queries import gantt

FIRM_TONES = ("accent", "blue", "amber")  # violet is the client's side
COMPARED = (
    "title",
    "owner_side",
    "owner_role",
    "offset_days",
    "is_mandatory",
    "is_client_visible",
    "evidence",
    "done_when",
    "instructions",
)


@dataclass
class TaskRow:
    """`tone`: the chip's colour on our side; `menu_id`: the id of its menu in the page."""

    task: TemplateTask
    when: str
    role: str

    @property
    def tone(self) -> str:
        return FIRM_TONES[crc32(self.role.encode()) % len(FIRM_TONES)]

    @property
    def menu_id(self) -> str:
        return f"task-menu-{self.task.pk}"


@dataclass
class PhaseCard:
    phase: TemplatePhase
    number: int
    rows: list[TaskRow] = field(default_factory=list)
    first_day: int = 0
    last_day: int = 0
    opens_after: str = ""

    @property
    def menu_id(self) -> str:
        return f"phase-menu-{self.phase.pk}"


@dataclass
class Sketch:
    """The plan that would start from the version on `kickoff`."""

    kickoff: date
    end: date | None
    chart: gantt.Gantt
    holidays: str
    dates: schedule.Dates


def templates_with_counts(principal):
    """Templates the user may see, each with `published_number`, `draft_number`, `running` plans and `version_id` to open."""
    versions = TemplateVersion.objects.visible_to(principal).filter(template=OuterRef("pk"))
    published, drafts = versions.filter(state=VersionState.PUBLISHED), versions.filter(state=VersionState.DRAFT)
    running = (
        Plan.objects.visible_to(principal)
        .kept()
        .filter(state__in=PLAN.open, template_version__template=OuterRef("pk"))
        .order_by()
        .values("template_version__template")
        .annotate(n=Count("pk"))
        .values("n")
    )
    newest = versions.order_by("-number")
    tasks = (
        TemplateTask.objects.filter(version_of=OuterRef("newest_id"))
        .order_by()
        .values("version_of")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return Template.objects.visible_to(principal).annotate(
        published_number=Subquery(published.order_by("-number").values("number")[:1]),
        draft_number=Subquery(drafts.values("number")[:1]),
        newest_id=Subquery(newest.values("pk")[:1]),
        running=Coalesce(Subquery(running, output_field=IntegerField()), 0),
        task_total=Coalesce(Subquery(tasks, output_field=IntegerField()), 0),
    )


def running_on(principal, version: TemplateVersion) -> int:
    """Open plans pinned to the version, of clients the user may see."""
    return Plan.objects.visible_to(principal).kept().open().filter(template_version=version).count()


def previous_version(version: TemplateVersion) -> TemplateVersion | None:
    """The published version before this one."""
    return (
        TemplateVersion.objects.published()
        .filter(template=version.template_id, number__lt=version.number)
        .order_by("-number")
        .first()
    )


def startable_versions() -> Any:
    return TemplateVersion.objects.startable().select_related("template").order_by("template__name")


def version_rows(version: TemplateVersion) -> tuple[list[TemplatePhase], list[TemplateTask]]:
    """Phases and tasks in order, each task with its phase and the task it is counted from loaded."""
    phases = list(version.phases.all())
    tasks = list(version.tasks.all())
    by_phase = {phase.pk: phase for phase in phases}
    by_pk = {task.pk: task for task in tasks}
    for task in tasks:
        task.phase = by_phase[task.phase_id]
        task.after = by_pk.get(task.after_id) if task.after_id else None
    return phases, tasks


def phase_cards(phases: list[TemplatePhase], tasks: list[TemplateTask]) -> list[PhaseCard]:
    cards = {phase.pk: PhaseCard(phase, number) for number, phase in enumerate(phases, 1)}
    days = safe_days(tasks)
    for task in tasks:
        cards[task.phase_id].rows.append(TaskRow(task, when_text(task), role_text(task)))
    for card in cards.values():
        own = [days[row.task.pk] for row in card.rows]
        card.first_day, card.last_day = (min(own), max(own)) if own else (0, 0)
        first = min((row.task for row in card.rows), key=lambda task: days[task.pk], default=None)
        if (
            first is not None
            and first.after
            and first.after.phase_id != card.phase.pk
            and all(row.task.after_id for row in card.rows)
        ):
            card.opens_after = first.after.title
    return list(cards.values())


def safe_days(tasks) -> dict[int, int]:
    """Day numbers; 0 for all if the draft has a cycle (which publishing reports)."""
    try:
        return schedule.day_numbers(tasks)
    except schedule.Cycle:
        return {task.pk: 0 for task in tasks}


def when_text(task) -> str:
    if task.after is None:
        return _("Day %(n)s") % {"n": task.offset_days}
    return _("+%(n)s after %(task)s") % {"n": task.offset_days, "task": task.after.title}


def role_text(task) -> str:
    return task.owner_role or (_("Client") if task.owner_side == OwnerSide.CLIENT else _("Account manager"))


def next_monday(today: date) -> date:
    return today + timedelta(days=7 - today.weekday())


def sketch(tasks: list[TemplateTask], kickoff: date, *, width: int = 366, label_width: int = 140) -> Sketch:
    calendar = WorkingCalendar.of(get_firm())
    try:
        dates = schedule.due_dates(tasks, kickoff, calendar)
    except schedule.Cycle:
        dates = {}
    end = max(dates.values(), default=None)
    rows = gantt.spans(tasks, dates, kickoff, calendar, lambda task: "client" if task.is_client_visible else "firm")
    chart = gantt.draw(
        rows,
        width=width,
        label_width=label_width,
        calendar=calendar,
        week_label=lambda n, _day: _("Week %(n)s") % {"n": n},
    )
    return Sketch(kickoff, end, chart, holiday_note(calendar, kickoff, end) if end else "", dates)


def holiday_note(calendar: WorkingCalendar, start: date, end: date) -> str:
    """“25 and 26 Dec are holidays of the firm.” for a stretch of days, or ""."""
    days = [day for day, _name in schedule.holidays_between(calendar, start, end)]
    if not days:
        return ""
    words = [short_day(day) for day in days[:6]]
    if len(days) == 1:
        return _("%(day)s is a company holiday.") % {"day": words[0]}
    if len(days) > len(words):
        return _("This period includes %(n)s company holidays.") % {"n": len(days)}
    listed = _("%(days)s and %(last)s") % {"days": ", ".join(words[:-1]), "last": words[-1]}
    return _("%(days)s are company holidays.") % {"days": listed}


@dataclass(frozen=True)
class Change:
    """`kind`: added, removed, changed."""

    kind: str
    what: str
    title: str
    details: tuple[str, ...] = ()


def differences(old: TemplateVersion | None, new: TemplateVersion) -> list[Change]:
    """What publishing `new` changes compared with `old`, matched by key: phases first, then tasks in order."""
    if old is None:
        return []
    old_phases, old_tasks = version_rows(old)
    new_phases, new_tasks = version_rows(new)
    return [*_phase_changes(old_phases, new_phases), *_task_changes(old_tasks, new_tasks)]


def _phase_changes(old, new):
    before, after = {row.key: row for row in old}, {row.key: row for row in new}
    found = [Change("added", _("Phase"), row.name) for row in new if row.key not in before]
    found += [Change("removed", _("Phase"), row.name) for row in old if row.key not in after]
    for row in new:
        if row.key in before and before[row.key].name != row.name:
            found.append(
                Change(
                    "changed",
                    _("Phase"),
                    row.name,
                    (_("name: %(old)s → %(new)s") % {"old": before[row.key].name, "new": row.name},),
                )
            )
    if _moved([row.key for row in old], [row.key for row in new]):
        found.append(Change("changed", _("Phases"), _("Order of the phases")))
    return found


def _task_changes(old, new):
    before, after = {row.key: row for row in old}, {row.key: row for row in new}
    found = [
        Change("added", _("Task"), row.title, (row.phase.name, when_text(row))) for row in new if row.key not in before
    ]
    found += [Change("removed", _("Task"), row.title) for row in old if row.key not in after]
    for row in new:
        if row.key in before and (details := _task_details(before[row.key], row)):
            found.append(Change("changed", _("Task"), row.title, details))
    orders = [
        [(row.phase.key, row.key) for row in rows if row.key in before and row.key in after] for rows in (old, new)
    ]
    if sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]:
        found.append(Change("changed", _("Tasks"), _("Order of the tasks")))
    return found


def _task_details(old, new):
    details = []
    if old.phase.key != new.phase.key:
        details.append(_("phase: %(old)s → %(new)s") % {"old": old.phase.name, "new": new.phase.name})
    if (old.after.key if old.after else "") != (
        new.after.key if new.after else ""
    ) or old.offset_days != new.offset_days:
        details.append(f"{when_text(old)} → {when_text(new)}")
    for name in COMPARED:
        if name != "offset_days" and getattr(old, name) != getattr(new, name):
            details.append(_field_words(old, new, name))
    return tuple(details)


def _field_words(old, new, name):
    label = str(TemplateTask._meta.get_field(name).verbose_name)
    if name in ("instructions", "done_when"):
        return _("%(field)s rewritten") % {"field": label}
    words = {"field": label, "old": _value_words(old, name), "new": _value_words(new, name)}
    return _("%(field)s: %(old)s → %(new)s") % words


def _value_words(row, name):
    value = getattr(row, name)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    display = getattr(row, f"get_{name}_display", None)
    return (display() if display else value) or "—"


def _moved(old, new):
    common = set(old) & set(new)
    return [key for key in old if key in common] != [key for key in new if key in common]
