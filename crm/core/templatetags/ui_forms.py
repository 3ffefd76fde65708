"""Tags of forms and trails, registered with the others by ui.py."""

from django.utils.translation import gettext as _

DASHES = "---------"


def crumbs(*parts):
    """`{% crumbs _("Clients") list_url client.name client_url _("Edit") as trail %}`: the items of a page header's `crumbs`."""
    return [{"label": parts[n], "url": parts[n + 1] if n + 1 < len(parts) else ""} for n in range(0, len(parts), 2)]


def name_empty_choice(field):
    """Words instead of Django's row of dashes: what to do, or that nothing is chosen. A bound form has its own copy of each field."""
    empty = _("Choose one") if field.required else _("None")
    if hasattr(field, "empty_label"):
        field.empty_label = empty if field.empty_label == DASHES else field.empty_label
        return
    first = next(iter(getattr(field, "choices", None) or ()), None)
    if first and first[1] == DASHES:
        field.choices = [(first[0], empty), *list(field.choices)[1:]]
