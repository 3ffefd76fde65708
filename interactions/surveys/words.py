"""Words of surveys that clients read and that are in no template; translated by tools/messages.py."""

from django.utils.translation import gettext_lazy as _

NPS_QUESTION = _("How likely are you to recommend us to a colleague or friend?")
REASON = _("What is the main reason for your score?")
SCORE = _("Your score")
CHOOSE = _("Choose a number.")
CLOSED = _("This survey takes no more answers.")
SCALE = _("Choose a number from %(a)d to %(b)d.")
SUBJECT = _("One question about working with {firm}")
TEXT = _("We would like to know how we are doing, so that we can do better.")
EXAMPLE_CLIENT, EXAMPLE_FIRST, EXAMPLE_LAST = _("Example client"), _("Alex"), _("Example")
