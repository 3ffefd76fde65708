from django.db import models
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    TEXT = "text", _("Text")
    LONG_TEXT = "long_text", _("Long text")
    NUMBER = "number", _("Number")
    MONEY = "money", _("Money")
    DATE = "date", _("Date")
    CHOICE = "choice", _("Choice")
    CHOICES = "choices", _("Several choices")
    YES_NO = "yes_no", _("Yes or no")
    USER = "user", _("Colleague")
    CLIENT = "client", _("Client")
    URL = "url", _("Web address")
    EMAIL = "email", _("Email")
    PHONE = "phone", _("Phone")
    FORMULA = "formula", _("Formula")
    ROLLUP = "rollup", _("Roll-up")


WRITTEN = {Kind.TEXT, Kind.URL, Kind.EMAIL, Kind.PHONE}  # kept as text: sorted and found ignoring case
NUMBERS = {Kind.NUMBER, Kind.MONEY}
CHOSEN = {Kind.CHOICE, Kind.CHOICES}
RANGED = {*NUMBERS, Kind.DATE}
UNIQUE = {*WRITTEN, Kind.NUMBER}
COMPUTED = {Kind.FORMULA, Kind.ROLLUP}  # nobody enters them, and no row keeps them
FILTERED = frozenset(Kind) - {Kind.LONG_TEXT}
CONVERTED = frozenset(Kind) - COMPUTED - {Kind.CLIENT}  # whose type may change: which client is named, some do not see
INDEXED = FILTERED - COMPUTED  # values that an index serves
SORTED = INDEXED - {Kind.CHOICES, Kind.USER, Kind.CLIENT}
