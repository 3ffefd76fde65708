"""The API of colleagues, teams and the current user."""

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.response import Response

from crm.core.api.viewsets import IF_NONE_MATCH, FirmApiViewSet, unless_known
from crm.core.firm.models import FirmSettings
from crm.core.firm.queries import get_firm
from crm.core.listing import filters
from crm.core.listing.filters import ListFilters, TrashFilters
from crm.core.users.models import ApiToken, Team, User


class UserSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "name", "email", "title", "roles", "is_active", "time_zone", "created_at", "updated_at")


class TeamSerializer(serializers.ModelSerializer):
    members = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Team
        fields = ("id", "name", "lead", "members", "archived_at", "version", "created_at", "updated_at")


class FirmSerializer(serializers.ModelSerializer):
    class Meta:
        model = FirmSettings
        fields = ("name", "currency", "time_zone", "language")


class TokenSerializer(serializers.ModelSerializer):
    class Meta:
        model = ApiToken
        fields = ("name", "is_read_only", "expires_at", "last_used_at")


class MeSerializer(serializers.Serializer):
    user = UserSerializer()
    firm = FirmSerializer()
    token = TokenSerializer(allow_null=True, help_text="the token of this request; null in a browser")


class UserFilters(ListFilters):
    email = filters.Text("email", "iexact")
    is_active = filters.Yes("is_active")

    class Meta:
        model = User
        fields: list[str] = []


class TeamFilters(TrashFilters):
    class Meta:
        model = Team
        fields: list[str] = ["name"]


class UserViewSet(FirmApiViewSet):
    """Colleagues, including disabled ones. Everyone signed in can read them."""

    queryset = User.objects.all()
    serializer_class = UserSerializer
    filterset_class = UserFilters
    orders = {"name": "name"}


class TeamViewSet(FirmApiViewSet):
    """Teams and their members. Everyone signed in can read them."""

    queryset = Team.objects.prefetch_related("members")
    serializer_class = TeamSerializer
    filterset_class = TeamFilters
    orders = {"name": "name"}


class MeViewSet(viewsets.ViewSet):
    """The current user."""

    @extend_schema(
        operation_id="me_retrieve", parameters=[IF_NONE_MATCH], responses=forced_singular_serializer(MeSerializer)
    )
    def list(self, request):
        """The user, the firm's currency and zone, and what the token may do."""
        token = request.auth if isinstance(request.auth, ApiToken) else None
        return unless_known(
            request, Response(MeSerializer({"user": request.user, "firm": get_firm(), "token": token}).data)
        )


def register(router) -> None:
    router.register("users", UserViewSet, basename="users")
    router.register("teams", TeamViewSet, basename="teams")
    router.register("me", MeViewSet, basename="me")
