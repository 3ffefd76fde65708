from clients.currencies.pricing import has_rate_of_its_day
from crm.core.fields.forms import CatalogueForm


class PricedForm(CatalogueForm):
    """The form of a record with an amount. The class that extends it names its catalogue and layout."""

    def clean_currency(self):
        return self.cleaned_data["currency"].upper() or None

    def clean(self):
        """If the currency or the day changes but the rate does not, the rate is that of the old currency or day: drop it, so
        that the day's rate applies. One that was entered stays on another day.
        """
        values = super().clean()
        is_other = "currency" in self.changed_data or has_rate_of_its_day(self.instance, given=values)
        if is_other and "rate" not in self.changed_data:
            values["rate"] = None
        return values
