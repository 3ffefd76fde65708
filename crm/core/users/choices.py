from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    ACCOUNT_MANAGER = "account_manager", _("Account manager")
    MANAGER = "manager", _("Manager")
    ADMIN = "admin", _("Admin")


class Theme(models.TextChoices):
    SYSTEM = "system", _("As the device")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Reminders(models.TextChoices):
    EACH = "each", _("a mail for each, when it is due")
    DIGEST = "digest", _("one mail each morning")
    OFF = "off", _("no mail")
