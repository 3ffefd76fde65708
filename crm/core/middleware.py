"""Middleware: health checks first, login by default, the user's zone, the history's context, response headers."""

import contextlib
import re
import uuid
from ipaddress import ip_address

import pghistory
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequired
from django.contrib.auth.middleware import get_user
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from crm.core.base.errors import MovedRecord
from crm.core.base.logs import masked
from crm.core.base.principals import acting
from crm.core.firm import queries
from crm.core.status import callers, health
from crm.core.ui.views import faults

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,64}")
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class StackMiddleware:
    """Runs the whole request within one chunk of Python's stack, so that no template loop crosses the boundary of two:
    there each call would map and unmap memory (docs/decisions/0008-one-piece-of-stack.md).
    """

    SLOTS = 140_000  # 1.1 MB, so the chunk has 2 MB; unused pages are never touched

    def __init__(self, get_response):
        def answer(request):
            return get_response(request)

        answer.__code__ = answer.__code__.replace(co_stacksize=self.SLOTS)
        self.answer = answer

    def __call__(self, request):
        return self.answer(request)


class RequestIdMiddleware:
    """One id per request, in the log, the history and the response's X-Request-ID; the caller may supply it."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        given = request.headers.get("X-Request-ID", "")
        request.request_id = given if REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
        request.META["HTTP_X_REQUEST_ID"] = request.request_id
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.request_id
        return response


class ClientAddressMiddleware:
    """Behind our proxy, the caller's address is the last one in X-Forwarded-For. Otherwise all callers would share one
    address: one person's wrong passwords would lock everyone out, and the history could not name the source.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if settings.BEHIND_PROXY:
            named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            with contextlib.suppress(ValueError):
                request.META["REMOTE_ADDR"] = str(ip_address(named))
        return self.get_response(request)


class HealthMiddleware:
    """Answers /healthz (alive) and /readyz (the web can work) before sessions and host checks: the database may be
    away.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.path == "/healthz":
            return HttpResponse("ok\n", content_type="text/plain", headers={"Cache-Control": "no-store"})
        if request.path == "/readyz":
            findings = health.look(timezone.now())
            may_read = callers.may_read_details(request)
            words = [(one.name, one.text if may_read else "ok" if one.is_good else "not ok") for one in findings]
            return HttpResponse(
                "".join(f"{name}: {text}\n" for name, text in words),
                content_type="text/plain; charset=utf-8",
                status=200 if health.is_ready(findings) else 503,
                headers={"Cache-Control": "no-store"} | ({} if health.is_ready(findings) else {"Retry-After": "10"}),
            )
        return self.get_response(request)


class LoginRequiredMiddleware(DjangoLoginRequired):
    """Closed by default. An htmx request gets HX-Redirect instead of a login page inside a fragment; the API answers 401."""

    def process_view(self, request, view_func, view_args, view_kwargs):
        if request.path.startswith("/api/"):
            return None  # Django REST framework's permission classes decide here
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request, view_func):
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401, headers={"HX-Redirect": resolve_url(settings.LOGIN_URL)})
        return super().handle_no_permission(request, view_func)


class PrincipalMiddleware:
    """Sets the request's principal. The API's token authentication later replaces NOBODY with the token's user."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.user = get_user(
            request
        )  # the row itself: each look through Django's lazy object costs, hundreds per page
        request.principal = acting(request.user)
        return self.get_response(request)


class UserZoneMiddleware:
    """Times are shown in the user's zone, else the firm's. The firm's settings are read once per request."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        queries.open_firm_cache()
        try:
            if request.user.is_authenticated:
                timezone.activate(queries.user_zone(request.user))
            return self.get_response(request)
        finally:
            timezone.deactivate()
            queries.close_firm_cache()


class AuditMiddleware:
    """Records in the history who changed a row, through what and from where."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method not in WRITES:
            return self.get_response(request)
        user = request.user
        with pghistory.context(
            user=user.pk if user.is_authenticated else None,
            url=masked(request.path)[:300],
            ip=request.META.get("REMOTE_ADDR", ""),
            request=getattr(request, "request_id", ""),
        ):
            return self.get_response(request)


class ResponseMiddleware:
    """Browsers and proxies never cache client data, and tell pages from fragments. A method that an address lacks gets
    a page.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if response.status_code == 405:
            response = faults.no_method(request, response)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        patch_vary_headers(response, ["HX-Request"])
        return response

    def process_exception(self, request, exception):
        return faults.moved(request, exception) if isinstance(exception, MovedRecord) else None
