"""`{{ number|tel:client.country }}`: the link to call a number."""

from django import template

from clients.phones import tel_href

register = template.Library()
register.filter("tel", lambda number, country="": tel_href(number, country or ""))
