"""What the firm calls an engagement. Every page takes the word from here; "off" hides the pages, fields and lists."""

from functools import wraps
from typing import Any

from django.db import ProgrammingError
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crm.core.firm.choices import EngagementWord
from crm.core.firm.queries import get_firm
from crm.core.ui.formatting import in_sentence

PLURALS = {
    EngagementWord.ENGAGEMENT: _("Engagements"),
    EngagementWord.MATTER: _("Matters"),
    EngagementWord.MANDATE: _("Mandates"),
    EngagementWord.JOB: _("Jobs"),
    EngagementWord.PROJECT: _("Projects"),
    EngagementWord.OFF: _("Engagements"),
}


def is_on() -> bool:
    return get_firm().engagement_word != EngagementWord.OFF


def _word() -> EngagementWord:
    try:
        word = EngagementWord(get_firm().engagement_word)
    except ProgrammingError:  # no tables yet: `check` builds the API's document before the first migration
        return EngagementWord.ENGAGEMENT
    return EngagementWord.ENGAGEMENT if word is EngagementWord.OFF else word


def one() -> str:
    """“Matter”, as a label."""
    return str(_word().label)


def many() -> str:
    """“Matters”, as a label."""
    return str(PLURALS[_word()])


def in_words(sentence: Any) -> str:
    """The sentence with the firm's word: %(one)s and %(many)s in mid-sentence, %(One)s and %(Many)s at its beginning."""
    named = {"One": one(), "Many": many(), "one": in_sentence(one()), "many": in_sentence(many())}
    return str(sentence) % named


class Said(Promise):
    """As `in_words`, for declarations, which are made once: the word is looked up when it is shown. Unlike a lazy text it is true without
    being looked up, as nothing may ask the database while modules load."""

    def __init__(self, sentence: Any):
        self.sentence = sentence

    def __str__(self) -> str:
        return in_words(self.sentence)

    def __bool__(self) -> bool:
        return True

    def __hash__(self) -> int:
        return id(self)


ONE, MANY = Said("%(One)s"), Said("%(Many)s")


def only_if_on(view):
    """404 where the firm does not use engagements."""

    @wraps(view)
    def found(request, *args, **kwargs):
        if not is_on():
            raise Http404
        return view(request, *args, **kwargs)

    return found


def guarded(patterns: list[Any]) -> list[Any]:
    """The URL patterns, each only if the firm uses engagements."""
    for pattern in patterns:
        pattern.callback = only_if_on(pattern.callback)
    return patterns
