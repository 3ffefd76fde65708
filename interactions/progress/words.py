"""The generated words of a progress email, in the client's language: subject, summary, closing."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crm.core.ui.formatting import one_line


def subject(firm_name: str, week: str) -> str:
    return _("%(firm)s: progress in week %(week)d") % {"firm": one_line(firm_name), "week": int(week[-2:])}


def summary(sections: list[dict[str, Any]], *, is_news: bool) -> str:
    """A summary of the numbers of lines in the sections."""
    count = {section["key"]: len(section["items"]) for section in sections}
    done, agreed, needed = (count.get(key, 0) for key in ("done", "agreed", "needed"))
    parts = [ngettext("%(n)d item done", "%(n)d items done", done) % {"n": done}] if done else []
    parts += [ngettext("%(n)d decision", "%(n)d decisions", agreed) % {"n": agreed}] if agreed else []
    ask = ngettext("%(n)d thing we need from you", "%(n)d things we need from you", needed) % {"n": needed}
    if parts:
        return _("Here is this week’s update: %(what)s.") % {"what": listed([*parts, ask] if needed else parts)}
    lead = _("Here is this week’s update.") if is_news else _("No updates to report this week.")
    return " ".join([lead, _("We need your help with the points below.")]) if needed else lead


def listed(parts: list[str]) -> str:
    """“2 items done, 1 decision and 1 thing we need from you”."""
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]} if parts[1:] else parts[0]


def closing() -> str:
    return _("If anything is unclear or missing, just reply to this email.")
