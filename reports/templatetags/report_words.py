from django import template

from crm.core.ui.formatting import money

register = template.Library()


@register.filter
def money_whole(value, currency="EUR"):
    """Money in whole units from 100, with cents below; an empty value is a dash."""
    return money(None if value is None else round(value) if abs(value) >= 100 else round(value, 2), currency)
