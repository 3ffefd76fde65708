"""What the OpenAPI document says about every operation alike."""

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
    return result
