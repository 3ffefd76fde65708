"""`manage.py personal_data`: which fields hold personal data, for the firm's record of processing. It generates
docs/admins/personal-data.md.
"""

from importlib import import_module

from django.core.management.base import BaseCommand

from crm.core.fields.catalogue import BUSINESS, FREE_WORDS, PERSONAL, catalogues
from crm.core.firm.queries import as_new_firm

HEAD = """# Personal data

Which fields of which records hold what kind of data, for your record of processing. `manage.py personal_data` writes this page from the
catalogues that the fields themselves are made of.

- **Personal**: names a person, reaches one or says what one is.
- **Free words**: what a colleague or the client wrote, which may say anything of anybody.
- **Business**: facts of the business, of people only where the client is a person.
"""
COLUMNS = {PERSONAL: "Personal", FREE_WORDS: "Free words", BUSINESS: "Business"}


def table() -> str:
    import_module("crm.urls")  # every room's catalogue
    lines = [HEAD, f"| record | {' | '.join(COLUMNS.values())} |", "|---|---|---|---|"]
    with as_new_firm():  # whose words the page has
        for catalogue in sorted(catalogues(), key=lambda made: str(made.model._meta.verbose_name)):
            cells = [
                "; ".join(str(field.label) for field in catalogue.values() if field.privacy == privacy)
                for privacy in COLUMNS
            ]
            lines.append(f"| {catalogue.model._meta.verbose_name} | {' | '.join(cells)} |")
    return "\n".join(lines)


class Command(BaseCommand):
    help = "Which fields hold personal data, as Markdown."

    def handle(self, **options):
        self.stdout.write(table())
