"""Request plumbing: health before everything, login by default, the user's zone, who did it, headers of the answer."""

import contextlib
import re
import uuid
from ipaddress import ip_address

import pghistory
from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequired
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from crm.core.base.logs import masked
from crm.core.base.principals import acting
from crm.core.firm import queries
from crm.core.status import callers, health

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{8,64}")
WRITES = ("POST", "PUT", "PATCH", "DELETE")


class StackMiddleware:
    """Gives the whole request one piece of Python's stack, so that no loop of a template runs across the edge of two: there each
    call would map and unmap memory (docs/decisions/0008-one-piece-of-stack.md)."""

    SLOTS = 140_000  # 1.1 MB, so the piece has 2 MB; what is not used is not touched

    def __init__(self, get_response):
        def answer(request):
            return get_response(request)

        answer.__code__ = answer.__code__.replace(co_stacksize=self.SLOTS)
        self.answer = answer

    def __call__(self, request):
        return self.answer(request)


class RequestIdMiddleware:
    """One name for a request, in the log, in the history and in the answer's X-Request-ID; the caller may give it."""

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
    """Behind our proxy the caller is who the proxy names, last in X-Forwarded-For. Else all callers would be one address:
    one person's wrong passwords would lock everybody out, and history would not tell where from."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if settings.BEHIND_PROXY:
            named = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
            with contextlib.suppress(ValueError):
                request.META["REMOTE_ADDR"] = str(ip_address(named))
        return self.get_response(request)


class HealthMiddleware:
    """Answers /healthz (alive) and /readyz (can the web work) before sessions and hosts have a say: the database may be away."""

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
            return None  # Django REST framework's permission classes decide
        return super().process_view(request, view_func, view_args, view_kwargs)

    def handle_no_permission(self, request, view_func):
        if request.headers.get("HX-Request"):
            return HttpResponse(status=401, headers={"HX-Redirect": resolve_url(settings.LOGIN_URL)})
        return super().handle_no_permission(request, view_func)


class PrincipalMiddleware:
    """Names who acts. The API's token authentication puts the token's user in the place of nobody."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        request.principal = acting(request.user)
        return self.get_response(request)


class UserZoneMiddleware:
    """Times are shown in the user's zone, else the firm's. Opens the span in which the firm's settings are read once."""

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
    """Names who wrote, through what and from where in the history of every row the request changes."""

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
    """Client data is never kept by browsers or proxies; pages and fragments are told apart."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        patch_vary_headers(response, ["HX-Request"])
        return response
