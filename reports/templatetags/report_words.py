from django import template

from crm.core.ui.formatting import money

register = template.Library()


@register.filter
def money_whole(value, currency="EUR"):
    """Money to the unit from 100 up, to the cent below; an empty value is a dash."""
    return money(None if value is None else round(value) if abs(value) >= 100 else round(value, 2), currency)
