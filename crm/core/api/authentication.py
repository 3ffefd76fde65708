"""`Authorization: Bearer …` (or `Token …`): users' tokens, hashed, revocable and expiring."""

from datetime import timedelta

import pghistory
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions
from rest_framework.permissions import SAFE_METHODS

from crm.core.base.principals import READ, acting
from crm.core.base.secret_links import hash_token
from crm.core.users.models import ApiToken


class TokenAuthentication(authentication.BaseAuthentication):
    keyword = "Bearer"
    keywords = (b"bearer", b"token")

    def authenticate(self, request):
        words = authentication.get_authorization_header(request).split()
        if not words or words[0].lower() not in self.keywords:
            return None
        if len(words) != 2:
            raise exceptions.AuthenticationFailed("Expected the header “Authorization: Bearer …”.")
        now = timezone.now()
        token = (
            ApiToken.objects.filter(token_hash=hash_token(words[1].decode("ascii", "replace")), revoked_at=None)
            .filter(Q(expires_at=None) | Q(expires_at__gt=now))
            .select_related("user")
            .first()
        )
        if token is None or not token.user.is_active:
            raise exceptions.AuthenticationFailed("The token is unknown, revoked or expired.")
        if token.is_read_only and request.method not in SAFE_METHODS:
            raise exceptions.PermissionDenied("This token may only read.")
        if token.last_used_at is None or now - token.last_used_at > timedelta(minutes=1):
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
        if request.method not in SAFE_METHODS:
            pghistory.context(user=token.user_id)  # adds to the request's context that AuditMiddleware opened
        principal = acting(token.user)
        getattr(request, "_request", request).principal = principal.only(READ) if token.is_read_only else principal
        return token.user, token

    def authenticate_header(self, request):
        return self.keyword


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer", "description": "A token of Profile → API tokens."}
