"""Context of the page shell, computed only when a template uses it."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from crm.core.base.principals import acting
from crm.core.firm import queries
from crm.core.ui import banners, navigation


def shell(request):
    """`firm`, `nav` and `banners` for base.html; lazy, so that fragments and open pages do not pay for them."""
    user = getattr(request, "user", None)
    context: dict[str, Any] = {"firm": SimpleLazyObject(queries.get_firm), "rapport_version": settings.VERSION}
    if user is not None and user.is_authenticated:
        now = timezone.now()
        context["nav"] = SimpleLazyObject(lambda: navigation.build(acting(user), now, request.path))
        context["banners"] = SimpleLazyObject(lambda: banners.build(acting(user), now))
    return context
