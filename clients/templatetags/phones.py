"""`{{ number|tel:client.country }}`: the link that calls a number."""

from django import template

from clients.phones import tel_href

register = template.Library()
register.filter("tel", lambda number, country="": tel_href(number, country or ""))
