import json

from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers

MAX_DEPTH = 20


class JSONParser(parsers.JSONParser):
    """Refuses JSON that is nested too deeply, like any invalid JSON."""

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            data = super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError(_("The JSON is nested too deeply.")) from error
        if _is_too_deep(data):
            raise exceptions.ParseError(_("The JSON is nested too deeply."))
        if not _is_text(data):
            raise exceptions.ParseError(_("The JSON contains a lone surrogate."))
        return data


def _is_text(data) -> bool:
    """Whether every string can be stored and sent back: JSON can escape half of a surrogate pair, UTF-8 cannot encode
    it.
    """
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_too_deep(data) -> bool:
    """Whether lists and objects nest more than MAX_DEPTH levels, counted level by level."""
    level = [data]
    for _depth in range(MAX_DEPTH + 1):
        holders = [item for item in level if isinstance(item, (dict, list))]
        if not holders:
            return False
        level = [child for item in holders for child in (item.values() if isinstance(item, dict) else item)]
    return True
