"""What the OpenAPI document says about every operation alike."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from crm.core.api.pagination import orders_of

ERROR = {
    "type": "object",
    "required": ["code", "message", "fields"],
    "properties": {
        "code": {"type": "string", "examples": ["invalid"]},
        "message": {"type": "string"},
        "fields": {
            "type": "object",
            "additionalProperties": True,
            "description": "What is wrong with each field that is.",
        },
    },
}
EXPANDED = {
    "type": "object",
    "readOnly": True,
    "description": "The related rows asked for with `expand`, by name; null where there is none.",
    "additionalProperties": {
        "type": ["object", "null"],
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "integer"},
            "name": {"type": "string"},
            "email": {"type": "string", "description": "of a colleague"},
        },
    },
}
REQUEST_ID = {
    "description": "Names the request, in our log and history too. Send one of your own in the same header if you like.",
    "schema": {"type": "string"},
}
METHODS = ("get", "post", "put", "patch", "delete")


def describe_errors(result, generator, request, public):
    """Every operation may answer an error, and all errors have one shape."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    answer = {
        "description": "Refused: nothing was changed.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            if method in METHODS:
                operation["responses"]["4XX"] = answer
                for response in operation["responses"].values():
                    response.setdefault("headers", {})["X-Request-ID"] = REQUEST_ID
                if any(given.get("name") == "If-None-Match" for given in operation.get("parameters", ())):
                    operation["responses"]["304"] = {
                        "description": "Nothing has changed since the answer with this ETag."
                    }
    return result


class Schema(AutoSchema):
    """What a viewset declares (`orders`, `expands`) as parameters of its operations."""

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        view = self.view
        if self._is_list_view() and hasattr(view, "orders"):
            names = [sign + name for name in orders_of(view) for sign in ("", "-")]
            words = "The column to order by; “-” puts the largest first. By default the newest come first."
            found.append(OpenApiParameter("ordering", OpenApiTypes.STR, enum=names, description=words))
        if self.method == "GET" and getattr(view, "expands", ()) and view.action in ("list", "retrieve"):
            words = f"Related rows to answer too, separated by commas: {', '.join(view.expands)}."
            found.append(OpenApiParameter("expand", OpenApiTypes.STR, description=words))
        return found

    def _map_serializer(self, serializer, direction, bypass_extensions=False):
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        is_own = serializer.__class__ is getattr(self.view, "serializer_class", None)
        if direction == "response" and is_own and getattr(self.view, "expands", ()) and "properties" in schema:
            schema["properties"]["expanded"] = EXPANDED
        return schema
