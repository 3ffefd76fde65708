"""Values as people read them; rounded here and nowhere before."""

from crm.core.ui.formatting import number, percent
from reports.kpis.base import MONEY, PERCENT
from reports.templatetags.report_words import money_whole


def value_text(kpi, answer, firm) -> str:
    """The value with its unit; "—" where there is none."""
    if answer.value is None:
        return "—"
    if kpi.unit == PERCENT:
        return percent(answer.value)
    return money_whole(answer.value, firm.currency) if kpi.unit == MONEY else number(answer.value)
