from django.utils import timezone
from django.views.decorators.http import require_GET

from crm.core.ui.htmx import render_page
from interactions.reading.services import note_today_read
from interactions.today import sections


@require_GET
def show(request):
    now = timezone.now()
    note_today_read(user=request.user, now=now)
    context = sections.build(request.principal, now) | {"now": now, "day": timezone.localtime(now).date()}
    return render_page(request, "interactions/today/page.html", context, fragment="day")
