"""The volume guard of progress emails."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Count

from crm.core.mail.services import volume
from interactions.progress.models import ProgressEmail
from interactions.volume import history_of, weeks_before


def closed_weeks(wanted: Iterable[str]) -> frozenset[str]:
    """The weeks that may not be planned before an admin approves. `wanted`: the week of each email to be created."""
    closed = set()
    for week, more in Counter(wanted).items():
        before = weeks_before(week)
        found = ProgressEmail.objects.filter(week__in=[*before, week]).order_by().values_list("week")
        counts = dict(found.annotate(number=Count("pk")))
        if not volume.may_plan(
            kind="progress", week=week, wanted=counts.get(week, 0) + more, history=history_of(counts, before)
        ):
            closed.add(week)
    return frozenset(closed)
