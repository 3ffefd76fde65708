"""What the API's serializers have in common."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class StrictMixin:
    """A field nobody knows, or one that may not be set, is refused by name instead of being dropped in silence."""

    def to_internal_value(self, data):
        if isinstance(data, Mapping):
            wrong = {}
            for name in data:
                if name not in self.fields:
                    wrong[str(name)] = [_("There is no such field.")]
                elif self.fields[name].read_only:
                    wrong[name] = [_("This field cannot be set.")]
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


class StrictSerializer(StrictMixin, serializers.Serializer):
    pass


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer):
    """Reads a model; it never saves by itself: the viewset hands the validated data to a service."""

    def create(self, validated_data):
        raise NotImplementedError("the viewset calls a service")

    def update(self, instance, validated_data):
        raise NotImplementedError("the viewset calls a service")


class VisibleRelatedField(serializers.PrimaryKeyRelatedField):
    """The id of a row the caller may see; any other answers as a missing one. The queryset's class has `visible_to`."""

    def get_queryset(self):
        queryset = super().get_queryset()
        request = self.context.get("request")
        if queryset is None or request is None:
            return queryset
        return queryset.visible_to(request.principal)
