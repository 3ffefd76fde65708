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
    if not is_news:
        lead = _("A quiet week: nothing was finished or decided, and all is on its way.")
        return " ".join([lead, *_needed(count)])
    lead = _("Here is where we stand this week.")
    done, agreed = count.get("done", 0), count.get("agreed", 0)
    counted = []
    if done:
        counted.append(ngettext("One thing was done.", "%(n)d things were done.", done) % {"n": done})
    if agreed:
        counted.append(ngettext("One thing was agreed.", "%(n)d things were agreed.", agreed) % {"n": agreed})
    return " ".join([lead, *counted, *_needed(count)])


def _needed(count: dict[str, int]) -> list[str]:
    n = count.get("needed", 0)
    return [ngettext("We need one thing from you.", "We need %(n)d things from you.", n) % {"n": n}] if n else []


def closing() -> str:
    return _("If anything is unclear or missing, simply reply to this mail.")
