from crm.core.fields.forms import CatalogueForm


class PricedForm(CatalogueForm):
    """The form of a record with an amount. The class that extends it names its catalogue and layout."""

    def clean_currency(self):
        return self.cleaned_data["currency"].upper() or None

    def clean(self):
        """If the currency changes but the rate does not, the rate is the old currency's: drop it, so that the day's
        rate applies.
        """
        values = super().clean()
        if "currency" in self.changed_data and "rate" not in self.changed_data:
            values["rate"] = None
        return values
