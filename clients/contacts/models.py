from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Lower, Upper
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clients.contacts.choices import ContactLabel, DecisionRole, Purpose
from clients.gate import visible_q
from clients.records.models import Client
from crm.core.base.archiving import Archivable, ArchivableQuerySet
from crm.core.base.models import Customised, Folded, Versioned, tracked
from crm.core.users.models import User


def _any(rows):
    """SQL: whether a row exists, looked up by index for each row of the outer query."""
    return Coalesce(models.Subquery(rows.order_by().annotate(is_there=Value(True)).values("is_there")[:1]), False)


class ContactQuerySet(ArchivableQuerySet):
    def visible_to(self, principal):
        """Contacts of a client the principal may see. A contact without a client is visible to the colleague who
        entered it, managers and admins.
        """
        linked = Affiliation.objects.filter(contact=models.OuterRef("pk"))
        # a value, not EXISTS: PostgreSQL would hash all visible clients for every page of 25
        seen = Q(_any(linked.filter(visible_q(principal, "client__"))))
        unlinked = ~Q(_any(linked))
        if not principal.sees_all:
            unlinked &= Q(created_by=principal.user)
        return self.filter(seen | unlinked)


@tracked
class Contact(Archivable, Customised, Versioned):
    """A person, affiliated with one or many clients."""

    first_name = models.CharField(_("first name"), max_length=100, blank=True)
    last_name = models.CharField(_("last name"), max_length=100, blank=True)
    salutation = models.CharField(_("salutation"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=10, blank=True)
    notes = models.TextField(_("background"), blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    is_demo = models.BooleanField(default=False, editable=False)
    clients = models.ManyToManyField(Client, through="Affiliation", related_name="contacts")
    name_key = models.GeneratedField(
        expression=Folded(F("last_name"), Value(" "), F("first_name"), arg_joiner=" || "),
        output_field=models.TextField(),
        db_persist=True,
    )
    search_key = models.GeneratedField(
        expression=Folded(F("first_name"), Value(" "), F("last_name"), arg_joiner=" || "),
        output_field=models.TextField(),
        db_persist=True,
    )

    shown_key = "search_key"  # the name as people see it; `name_key` sorts by the last name
    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        constraints = [
            models.CheckConstraint(
                condition=~Q(first_name="") | ~Q(last_name=""),
                name="contact_name_given",
                violation_error_message=_("Enter a first or last name."),
            )
        ]
        indexes = [
            models.Index(fields=["name_key", "id"], name="contact_by_name", condition=Q(archived_at__isnull=True)),
            GinIndex(OpClass(F("search_key"), name="gin_trgm_ops"), name="contact_search"),
        ]

    def __str__(self):
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("clients:contact", kwargs={"contact_id": self.pk})

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


@tracked
class ContactEmail(models.Model):
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="emails")
    label = models.CharField(_("label"), max_length=10, choices=ContactLabel, default=ContactLabel.WORK)
    address = models.EmailField(_("email"), max_length=254)
    is_primary = models.BooleanField(_("main"), default=False)
    refused_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="bounced or complained: no more mail"
    )

    class Meta:
        ordering = ["-is_primary", "id"]
        constraints = [
            models.UniqueConstraint(F("contact"), Lower("address"), name="contact_email_once"),
            models.UniqueConstraint(fields=["contact"], condition=Q(is_primary=True), name="contact_email_one_primary"),
        ]
        indexes = [
            models.Index(Lower("address"), name="contact_email_address"),
            GinIndex(OpClass(Upper("address"), name="gin_trgm_ops"), name="contact_email_search"),
        ]

    def __str__(self):
        return self.address


@tracked
class ContactPhone(models.Model):
    contact = models.ForeignKey(Contact, models.CASCADE, related_name="phones")
    label = models.CharField(_("label"), max_length=10, choices=ContactLabel, default=ContactLabel.WORK)
    number = models.CharField(_("phone"), max_length=40)
    digits = models.CharField(max_length=20, editable=False, help_text="E.164 without +, else the digits")
    is_primary = models.BooleanField(_("main"), default=False)

    class Meta:
        ordering = ["-is_primary", "id"]
        constraints = [
            models.UniqueConstraint(fields=["contact", "digits"], name="contact_phone_once"),
            models.UniqueConstraint(fields=["contact"], condition=Q(is_primary=True), name="contact_phone_one_primary"),
        ]
        indexes = [
            models.Index(fields=["digits"], name="contact_phone_digits"),
            GinIndex(OpClass(F("digits"), name="gin_trgm_ops"), name="contact_phone_search"),
        ]

    def __str__(self):
        return self.number


class AffiliationQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "client__"))

    def current(self):
        held = HeldDetails.objects.filter(affiliation=models.OuterRef("pk"))
        kept = Q(contact__archived_at__isnull=True) & ~models.Exists(held.filter(details__archived=True))
        return self.filter(kept | models.Exists(held.filter(details__archived=False)), left_date__isnull=True)


@tracked
class Affiliation(Versioned):
    """A contact's role at a client."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="affiliations")
    client = models.ForeignKey(Client, models.CASCADE, related_name="affiliations")
    title = models.CharField(_("job title"), max_length=120, blank=True)
    decision_role = models.CharField(_("role in decisions"), max_length=12, choices=DecisionRole, blank=True)
    is_primary = models.BooleanField(_("main contact"), default=False)
    is_billing = models.BooleanField(_("billing contact"), default=False)
    left_date = models.DateField(_("left on"), null=True, blank=True)

    objects = AffiliationQuerySet.as_manager()

    class Meta:
        ordering = ["-is_primary", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["contact", "client"],
                name="affiliation_once",
                violation_error_message=_("Already a contact at this client."),
            ),
            models.UniqueConstraint(fields=["client"], condition=Q(is_primary=True), name="affiliation_one_primary"),
        ]


class HeldDetailsQuerySet(models.QuerySet):
    def visible_to(self, principal):
        return self.filter(visible_q(principal, "affiliation__client__"))

    def undecided(self):
        return self.filter(confirmed_at__isnull=True)


@tracked
class HeldDetails(models.Model):
    """The contact details that one client still uses, because someone who cannot see that client changed the contact.

    `details`: the earlier values by name: address (the one that mail goes to; "" for none), archived, first_name, last_name,
    salutation, language, and for a purpose whether they may be emailed. Details not in it are as on the contact.
    """

    affiliation = models.OneToOneField(Affiliation, models.CASCADE, related_name="held")
    details = models.JSONField(default=dict)
    refused_at = models.DateTimeField(null=True, help_text="the address bounced or complained: no more mail")
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, help_text="somebody who sees the client decided to keep them")

    objects = HeldDetailsQuerySet.as_manager()


@tracked
class Consent(models.Model):
    """Whether a contact may be emailed for a purpose. No row: service yes, surveys yes, marketing no."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="consents")
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    is_given = models.BooleanField(_("email consent"))
    source = models.CharField(_("source"), max_length=120, blank=True)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contact", "purpose"], name="consent_once")]
