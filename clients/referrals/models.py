"""Who referred a client to the firm."""

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.contacts.models import Contact
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Versioned, tracked


def _in_sight(principal) -> Q:
    """The client and who referred it: of a referrer out of sight nothing is shown, not even that there is one."""
    contacts = Contact.objects.visible_to(principal).filter(pk=OuterRef("by_contact"))
    clients = Client.objects.visible_to(principal).filter(pk=OuterRef("by_client"))
    by_client = Q(by_client__isnull=True) | Q(Exists(clients))
    return visible_q(principal, "client__") & by_client & (Q(by_contact__isnull=True) | Q(Exists(contacts)))


class ReferralQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        return self.filter(_in_sight(principal))

    def history_visible_to(self, principal):
        """A version is as hidden as whoever it names."""
        return self.model.pgh_event_model.objects.filter(_in_sight(principal))

    def counted(self):
        """Those in lists and sums."""
        return self.filter(archived_at__isnull=True, client__archived_at__isnull=True)


@tracked
class Referral(Archivable, Versioned):
    """`client` came to the firm through another client, a contact or a source outside. A client may have several: somebody who does not see
    one of them can add theirs.
    """

    client = models.ForeignKey(Client, models.CASCADE, related_name="referrals", verbose_name=_("client"))
    by_client = models.ForeignKey(
        Client,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="referrals_made",
        verbose_name=_("referred by client"),
    )
    by_contact = models.ForeignKey(
        Contact,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="referrals_made",
        verbose_name=_("referred by contact"),
    )
    by_source = models.CharField(_("referred by somebody else"), max_length=120, blank=True)
    date = models.DateField(_("referred on"), null=True, blank=True)
    note = models.TextField(_("note"), blank=True)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = ReferralQuerySet.as_manager()

    class Meta:
        verbose_name = _("referral")
        ordering = ["-date", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(by_client__isnull=False, by_contact__isnull=True, by_source="")
                | Q(by_client__isnull=True, by_contact__isnull=False, by_source="")
                | Q(by_client__isnull=True, by_contact__isnull=True) & ~Q(by_source=""),
                name="referral_by_one",
                violation_error_message=_("Choose a client, a contact or somebody else: one of the three."),
            ),
            models.CheckConstraint(
                condition=Q(by_client__isnull=True) | ~Q(by_client=F("client")),
                name="referral_by_another",
                violation_error_message=_("A client cannot refer itself."),
            ),
            models.UniqueConstraint(
                fields=["client", "by_client"],
                name="referral_once_by_client",
                condition=Q(archived_at__isnull=True),
                violation_error_message=_("This referral is already there."),
            ),
            models.UniqueConstraint(
                fields=["client", "by_contact"],
                name="referral_once_by_contact",
                condition=Q(archived_at__isnull=True),
                violation_error_message=_("This referral is already there."),
            ),
        ]
        indexes = [
            models.Index(fields=["by_client"], name="referral_by_client", condition=Q(by_client__isnull=False)),
            models.Index(fields=["by_contact"], name="referral_by_contact", condition=Q(by_contact__isnull=False)),
            models.Index(fields=["-date", "-id"], name="referral_newest", condition=Q(archived_at__isnull=True)),
        ]

    def __str__(self):
        return self.referrer

    @property
    def referrer(self) -> str:
        """Who referred, by name."""
        return str(self.by_client or self.by_contact or self.by_source)

    @property
    def referrer_url(self) -> str:
        found = self.by_client or self.by_contact
        return found.get_absolute_url() if found else ""

    def get_absolute_url(self) -> str:
        return reverse("clients:referral", args=[self.pk])
