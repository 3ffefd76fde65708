from clients.contacts.models import Contact
from clients.records.models import Client
from clients.referrals.fields import REFERRAL_FIELDS
from crm.core.fields.forms import CatalogueForm
from crm.core.ui.forms import Layout, Row


class ReferralForm(CatalogueForm):
    catalogue = REFERRAL_FIELDS
    layout = Layout(Row("by_client", "by_contact"), Row("by_source", "date"), "note")

    def __init__(self, *args, principal, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["by_client"].queryset = Client.objects.visible_to(principal)
        self.fields["by_contact"].queryset = Contact.objects.visible_to(principal)
