"""Saves drafts on the server: `static/js/drafts.js` posts here a second after the last key."""

from django import forms
from django.http import JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from crm.core.base.errors import ServiceError
from crm.core.drafts import services as drafts

OWN_NAMES = {"csrfmiddlewaretoken", "client_id", "record"}


class PlaceForm(forms.Form):
    """The client and the record of a form."""

    client_id = forms.IntegerField(required=False, min_value=1, max_value=2**62)
    record = forms.CharField(required=False, max_length=40)


@require_http_methods(["GET", "POST"])
def draft(request, kind):
    """GET: {"data", "saved_at"} or {}. POST: save the form's fields; the query may name client_id and record. 413 above
    30 kB.
    """
    place = PlaceForm({**request.GET.dict(), **request.POST.dict()})
    if not place.is_valid():
        return JsonResponse({"message": " ".join(place.errors.get_json_data())}, status=422)
    where = {"kind": kind, "client_id": place.cleaned_data["client_id"], "record": place.cleaned_data["record"]}
    if request.method == "GET":
        row = drafts.find_draft(principal=request.principal, **where)
        return JsonResponse({"data": row.data, "saved_at": row.updated_at} if row else {})
    data = {name: request.POST.getlist(name) for name in request.POST if name not in OWN_NAMES}
    try:
        row = drafts.save_draft(request.principal, data=data, now=timezone.now(), **where)
    except ServiceError as error:
        status = {"too_long": 413, "not_found": 404}.get(error.code, 422)
        return JsonResponse({"message": error.message}, status=status)
    return JsonResponse({"saved_at": row.updated_at})
