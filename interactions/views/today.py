from django.utils import timezone
from django.views.decorators.http import require_GET

from crm.core.htmx import render_page
from interactions import today
from interactions.services.reading import note_today_read


@require_GET
def show(request):
    now = timezone.now()
    note_today_read(user=request.user, now=now)
    context = today.build(request.user, now) | {"now": now, "day": timezone.localtime(now).date()}
    return render_page(request, "interactions/today.html", context, fragment="day")


show.nav_key = "today"
