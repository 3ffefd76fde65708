"""What the API's serializers have in common."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty

from crm.core.base.reading import whole_number
from crm.core.base.registry import always
from crm.core.fields.catalogue import READ, Catalogue
from crm.core.users.models import User

COMMON = ("version", "created_at", "updated_at", "archived_at")


class StrictMixin:
    """Refuses an unknown or read-only field by name instead of dropping it silently."""

    def to_internal_value(self, data):
        if isinstance(data, Mapping):
            wrong = {}
            for name in data:
                if name not in self.fields:
                    wrong[str(name)] = [_("Unknown field.")]
                elif self.fields[name].read_only:
                    wrong[name] = [_("This field cannot be set.")]
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)


class StrictSerializer(StrictMixin, serializers.Serializer):
    pass


class RelatedField(serializers.PrimaryKeyRelatedField):
    """The id of a row: a whole number or a string of digits. Refuses 1.5 and true. `related` of the context: {field: rows by id} that
    were looked up together.
    """

    def to_internal_value(self, data):
        is_whole = isinstance(data, int) and not isinstance(data, bool)
        if not is_whole and not (isinstance(data, str) and whole_number(data) is not None):
            self.fail("incorrect_type", data_type=type(data).__name__)
        many = isinstance(self.parent, serializers.ManyRelatedField)
        together = self.context.get("related", {}).get(self.parent.field_name if many else self.field_name, {})
        return together.get(int(data)) or super().to_internal_value(int(data))


class StrictModelSerializer(StrictMixin, serializers.ModelSerializer):
    """Reads a model and never saves: the viewset passes the validated data to a service.

    If its viewset has `expands`, `expanded` holds the related rows named in `expand`.
    """

    serializer_related_field = RelatedField

    def get_fields(self):
        """Without those about what the firm does not use: fields with `is_used`."""
        return {name: field for name, field in super().get_fields().items() if getattr(field, "is_used", always)()}

    def to_representation(self, instance):
        data = super().to_representation(instance)
        if self.context.get("expands"):
            data["expanded"] = {
                name: summary(getattr(instance, name)) if data.get(name) is not None else None
                for name in self.context["expanded"]
            }
        return data

    def create(self, validated_data):
        raise NotImplementedError("the viewset calls a service")

    def update(self, instance, validated_data):
        raise NotImplementedError("the viewset calls a service")


class PartSerializer(StrictSerializer):
    """A row within a record, such as one of its addresses. It is always given whole, even in a PATCH of the record."""

    def to_internal_value(self, data):
        if isinstance(data, Mapping):
            lacking = {name: field for name, field in self.fields.items() if name not in data and not field.read_only}
            missing = {name: [field.error_messages["required"]] for name, field in lacking.items() if field.required}
            if missing:
                raise serializers.ValidationError(missing)
            usual = {name: field.default for name, field in lacking.items() if field.default is not empty}
            data = usual | {**data}
        return super().to_internal_value(data)


class VisibleRelatedField(RelatedField):
    """The id of a row the caller may see; any other is treated as missing. The queryset's class has `visible_to`."""

    def get_queryset(self):
        queryset = super().get_queryset()
        request = self.context.get("request")
        if queryset is None or request is None:
            return queryset
        return queryset.visible_to(request.principal)


def summary(row: Any) -> dict[str, Any]:
    """A short form of a related row: id, name, and the email of a colleague."""
    words = {"id": row.pk, "name": str(getattr(row, "name", row))}
    return words | ({"email": row.email} if isinstance(row, User) else {})


# Not a docstring, which the OpenAPI document would repeat for each record.
# A serializer of the fields in a catalogue; a field declared on the class is added or replaces the catalogue's.
class RecordSerializer(StrictModelSerializer):
    catalogue: Catalogue

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = {field.name: field.api for field in cls.catalogue.values() if field.api is not None}
        common = [column.name for column in cls.catalogue.model._meta.fields if column.name in COMMON]
        meta: Any = type("Meta", (), {"model": cls.catalogue.model, "read_only_fields": common})
        meta.fields = [*dict.fromkeys(["id", *own, *cls._declared_fields, *common])]
        meta.extra_kwargs = {name: api for name, api in own.items() if api and name not in cls._declared_fields}
        cls.Meta = meta

    def get_fields(self):
        """Without fields about what the firm does not use, and with its own."""
        found = {name: field for name, field in super().get_fields().items() if self._is_used(name)}
        return found | {name: entry.serializer_field() for name, entry in self.catalogue.custom.items()}

    def _is_used(self, name: str) -> bool:
        return name not in self.catalogue or self.catalogue[name].is_used()

    def build_relational_field(self, field_name, relation_info):
        kind, kwargs = super().build_relational_field(field_name, relation_info)
        field = self.catalogue[field_name]
        if field.type.rows is None or field.api == READ:
            return kind, kwargs
        rows = field.type.rows()
        kept = {name: value for name, value in kwargs.items() if name not in ("label", "help_text")}
        return VisibleRelatedField if hasattr(rows, "visible_to") else kind, kept | {"queryset": rows}
