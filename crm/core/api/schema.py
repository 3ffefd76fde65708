"""What the OpenAPI document says about every operation."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import normalize_result_object
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter

from crm.core.api.pagination import orders_of
from crm.core.base.registry import always
from crm.core.firm.choices import EngagementWord
from crm.core.firm.queries import as_new_firm, get_firm
from crm.core.listing import filters

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
OF_FORMAT = {
    "date": "2026-11-02",
    "date-time": "2026-11-02T09:30:00Z",
    "time": "09:30:00",
    "email": "elina@northwind.example",
    "uri": "https://rapport.example/api/v1/clients?cursor=WyJmIl0",
    "decimal": "1200.00",
    "uuid": "7a9c2a54-2f39-4f0d-9b1f-6e2a6f5f7c11",
}
EXAMPLES: dict[str, Any] = {
    "name": "Northwind Advisory",
    "first_name": "Elina",
    "last_name": "Saari",
    "title": "Send the price",
    "subject": "Price for 2027",
    "currency": "EUR",
    "country": "FI",
    "city": "Turku",
    "language": "fi",
    "time_zone": "Europe/Helsinki",
    "website": "https://northwind.example",
    "phone": "+358 40 123 4567",
    "number": "+358 40 123 4567",
    "system": "sf",
    "value": "0015g00",
    "rate": "1.00",
    "week": "2026-W48",
    "code": "invalid",
    "duration_minutes": 30,
    "status": 200,
    "score": 9,
}
METHODS = ("get", "post", "put", "patch", "delete")


def describe_errors(result, generator, request, public):
    """Adds the errors to every operation; all errors have one shape."""
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    answer = {
        "description": "Refused: nothing was changed.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in result.get("paths", {}).values():
        for method, operation in path.items():
            if method in METHODS:
                operation["responses"]["4XX"] = answer
                described = [operation["requestBody"]] if "requestBody" in operation else []
                described += [found for code, found in operation["responses"].items() if code.startswith("2")]
                for content in [content for found in described for content in found.get("content", {}).values()]:
                    content.setdefault("example", example_of(content["schema"], result["components"]["schemas"]))
                for response in operation["responses"].values():
                    response.setdefault("headers", {})["X-Request-ID"] = REQUEST_ID
                if any(given.get("name") == "If-None-Match" for given in operation.get("parameters", ())):
                    operation["responses"]["304"] = {
                        "description": "Nothing has changed since the answer with this ETag."
                    }
    return result


def example_of(schema: dict[str, Any], components: dict[str, Any], name: str = "") -> Any:
    """A value the schema allows: the text in EXAMPLES for the name, else a default for the type."""
    if "$ref" in schema:
        return example_of(components[schema["$ref"].rpartition("/")[2]], components, name)
    for several in ("allOf", "oneOf", "anyOf"):
        if schema.get(several):
            return example_of(schema[several][0], components, name)
    kinds = schema.get("type", "string")
    kind = kinds if isinstance(kinds, str) else next(kind for kind in kinds if kind != "null")
    if schema.get("enum"):
        return schema["enum"][0]
    if kind == "object":
        fields = schema.get("properties", {})
        return {field: example_of(found, components, field) for field, found in fields.items()}
    if kind == "array":
        return [example_of(schema["items"], components, name)]
    if kind == "string":
        words = EXAMPLES.get(name) or OF_FORMAT.get(schema.get("format", "")) or "Payroll from January"
        return words[: schema.get("maxLength", len(words))]
    return {"boolean": False, "integer": EXAMPLES.get(name, 1), "number": 1200.0}.get(kind)


FILTERS = {filters.Number: OpenApiTypes.NUMBER, filters.Day: OpenApiTypes.DATE, filters.Yes: OpenApiTypes.BOOL}


def _parameter(name: str, found: Any) -> OpenApiParameter:
    """The parameter of a filter of the firm's own."""
    kind = next((kind for of, kind in FILTERS.items() if isinstance(found, of)), OpenApiTypes.STR)
    return OpenApiParameter(name, kind, description=str(found.label))


class Schema(AutoSchema):
    """Turns what a viewset declares (`orders`, `expands`) into parameters of its operations."""

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """The document is the same for every firm: words that a firm chooses are those of a new one. Who is logged in also sees the firm's
        own fields, and nothing of engagements if the firm does not use them.
        """
        user = getattr(self.view.request, "user", None)
        mark, said = "", {}
        if user is not None and user.is_authenticated:
            firm = get_firm()
            mark = firm.fields_mark
            said = {"engagement_word": EngagementWord.OFF} if firm.engagement_word == EngagementWord.OFF else {}
        with as_new_firm(mark, **said):
            if not getattr(self.view, "is_used", always)():
                return None
            return normalize_result_object(super().get_operation(*args, **kwargs))

    def _get_filter_parameters(self) -> list[Any]:
        """Without filters by what the firm does not use."""
        found, kind = super()._get_filter_parameters(), getattr(self.view, "filterset_class", None)
        if not (isinstance(kind, type) and issubclass(kind, filters.ListFilters)):
            return found
        unused = set(kind.base_filters) - kind.known()  # type: ignore[attr-defined]
        return [each for each in found if each["name"] not in unused]

    def get_override_parameters(self) -> list[Any]:
        found = list(super().get_override_parameters())
        view = self.view
        if self._is_list_view() and hasattr(view, "orders"):
            names = [sign + name for name in orders_of(view) for sign in ("", "-")]
            words = "The column to order by; “-” puts the largest first. By default the newest come first."
            found.append(OpenApiParameter("ordering", OpenApiTypes.STR, enum=names, description=words))
        if self._is_list_view() and issubclass(getattr(view, "filterset_class", None) or object, filters.ListFilters):
            found += [_parameter(name, each) for name, each in view.filterset_class.custom_filters().items()]
        if self.method == "GET" and hasattr(view, "expands") and view.expands and view.action in ("list", "retrieve"):
            words = f"Related rows to answer too, separated by commas: {', '.join(view.offered_expands())}."
            found.append(OpenApiParameter("expand", OpenApiTypes.STR, description=words))
        return found

    def get_response_serializers(self) -> Any:
        """Adds the statuses that a viewset declares in `also_answers`, action → statuses."""
        found = super().get_response_serializers()
        more = getattr(self.view, "also_answers", {}).get(getattr(self.view, "action", ""), ())
        return dict.fromkeys(more, found) if more else found

    def _map_serializer(self, serializer, direction, bypass_extensions=False):
        schema = super()._map_serializer(serializer, direction, bypass_extensions)
        is_own = serializer.__class__ is getattr(self.view, "serializer_class", None)
        if direction == "response" and is_own and getattr(self.view, "expands", ()) and "properties" in schema:
            schema["properties"]["expanded"] = EXPANDED
        if direction == "response" and getattr(serializer, "may_be_empty", False):
            schema.pop("required", None)
        return schema
