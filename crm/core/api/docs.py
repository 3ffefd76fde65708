"""The API's documentation in the browser: Swagger UI, served from here."""

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
@login_required
@csp_update({"style-src": ["'unsafe-inline'"]})
def show(request):
    """Swagger UI writes style attributes; only this page allows them."""
    return render(request, "api/docs.html")
