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


WRITTEN = {Kind.TEXT, Kind.URL, Kind.EMAIL, Kind.PHONE}  # kept as text: sorted and found ignoring case
NUMBERS = {Kind.NUMBER, Kind.MONEY}
CHOSEN = {Kind.CHOICE, Kind.CHOICES}
RANGED = {*NUMBERS, Kind.DATE}
UNIQUE = {*WRITTEN, Kind.NUMBER}
# Values that an index serves: what is not among them has neither filter nor sort
FILTERED = frozenset(Kind) - {Kind.LONG_TEXT}
SORTED = FILTERED - {Kind.CHOICES, Kind.USER, Kind.CLIENT}
