"""Values as text; rounded only here."""

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.core.ui.formatting import number, percent, signed
from reports.kpis.base import MONEY, PERCENT, operand
from reports.kpis.nps import Nps
from reports.scope import REVENUE
from reports.templatetags.report_words import money_whole


def value_text(kpi, answer, firm) -> str:
    """The value with its unit; "—" if there is none."""
    if answer.value is None:
        return "—"
    if kpi.unit == PERCENT:
        return percent(answer.value)
    return money_whole(answer.value, firm.currency) if kpi.unit == MONEY else number(answer.value, kpi.digits)


def period_text(period) -> str:
    """“28 Nov 2025 – 27 Nov 2026”: its first and its last day."""
    return f"{date_format(period.start, 'j M Y')} – {date_format(period.last_day, 'j M Y')}"


def basis_text(scope) -> str:
    return _("By revenue") if scope.basis == REVENUE else _("By status")


def facts(kpi, answer, firm) -> list[tuple[str, str]]:
    """[(what, value)]: numerator, denominator and sample size."""
    if not kpi.counted[1]:
        return []
    above = money_whole(answer.numerator, firm.currency) if kpi.unit == MONEY else number(answer.numerator)
    below = "—" if answer.denominator is None else operand(answer.denominator)
    return [(str(kpi.counted[0]), above), (str(kpi.counted[1]), below)]


def change_text(kpi, now, before, scope) -> str:
    """The comparison with the value a year before, and whether it may be called a change."""
    firm = scope.firm
    if now.value is None:
        return ""
    if kpi.needs_start and scope.of_unknown_start(before.period.end).exists():
        return _("No comparison with the year before: the start of some clients is unknown.")
    if before.value is None:
        return _("There is no such number for the year before.")
    was = value_text(kpi, before, firm)
    if kpi.has_margin:
        was = _("%(value)s ± %(margin)s") % {"value": was, "margin": number(before.margin)}
    values = {"was": was, "n": number(before.n), "change": _difference(kpi, now, before)}
    if now.value == before.value:
        return _("As the year before (%(was)s, n = %(n)s).") % values
    if isinstance(kpi, Nps) and not kpi.certain_change(now, before):
        return (
            _("%(change)s on the year before (%(was)s, n = %(n)s): within the margins, so no certain change.") % values
        )
    return _("%(change)s on the year before (%(was)s, n = %(n)s).") % values


def _difference(kpi, now, before) -> str:
    difference = now.value - before.value
    if kpi.unit == PERCENT:
        return _("%(points)s points") % {"points": signed(difference)}
    if kpi.unit == MONEY and before.value:
        return f"{signed(100 * difference / before.value)}\u202f%"
    return signed(difference, kpi.digits)
