from django.db import models
from django.utils.translation import gettext_lazy as _


class DocumentKind(models.TextChoices):
    CONTRACT = "contract", _("Contract")
    ENGAGEMENT = "engagement", _("Engagement letter")
    AUTHORITY = "authority", _("Power of attorney")
    IDENTITY = "identity", _("Identification")
    LETTER = "letter", _("Correspondence")
    FINANCIAL = "financial", _("Financial statement")
    TAX = "tax", _("Tax")
    REPORT = "report", _("Report")
    MINUTES = "minutes", _("Minutes")
    CERTIFICATE = "certificate", _("Certificate")
    OTHER = "other", _("Other")


class Expiry(models.TextChoices):
    """What a list is filtered by."""

    SOON = "soon", _("Within 30 days")
    EXPIRED = "expired", _("Expired")
    DATED = "dated", _("Has an expiry date")
    NONE = "none", _("No expiry date")
