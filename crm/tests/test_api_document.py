"""The OpenAPI document is what the API does: valid, with examples, and a short run of made-up requests finds no fault.

A longer run: FUZZ_EXAMPLES=200 script/test crm/tests/test_api_document.py
"""

import os
from itertools import cycle

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tools.testing.factories.core import make_token

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "3"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
METHODS = {"get", "post", "put", "patch", "delete"}
# What stands behind {id} of a resource, in the scene of the access table.
ROWS = {
    "clients": "client",
    "contacts": "contact",
    "revenue": "line",
    "contracts": "contract",
    "documents": "document",
    "tags": "tag",
    "services": "service",
    "users": "user",
    "teams": "team",
    "interactions": "interaction",
    "follow-ups": "follow_up",
    "commitments": "commitment",
    "survey-responses": "answer",
    "survey-invitations": "invitation",
    "progress-emails": "progress",
    "onboarding/plans": "plan",
    "onboarding/tasks": "task",
    "onboarding/templates": "template",
}


@pytest.fixture(scope="module")
def document():
    return SchemaGenerator().get_schema(request=None, public=True)


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in METHODS:
                yield f"{method.upper()} {path}", operation


def wrong_defaults(found, where=""):
    """Where a default is none of the values allowed."""
    if isinstance(found, dict):
        if "enum" in found and "default" in found and found["default"] not in found["enum"]:
            yield where
        for name, value in found.items():
            yield from wrong_defaults(value, f"{where}/{name}")
    elif isinstance(found, list):
        for number, value in enumerate(found):
            yield from wrong_defaults(value, f"{where}/{number}")


def test_the_document_is_valid(document):
    validate_schema(document)
    assert [*wrong_defaults(document)] == []


def test_every_operation_says_what_it_does_and_every_body_has_an_example(document):
    silent = [name for name, operation in operations(document) if not operation.get("description")]
    assert silent == []
    bare = [
        name
        for name, operation in operations(document)
        for content in operation.get("requestBody", {}).get("content", {}).values()
        if not (content.get("example") or content.get("examples"))
    ]
    assert bare == []


@pytest.fixture
def open_connection():
    """A request ends no connection: the test's transaction lives in it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("open_connection")
def test_no_made_up_request_of_any_role_finds_a_fault(document, scene):
    tokens = {role: make_token(user=scene.users[role])[1] for role in ("owner", "manager", "admin")}
    app, found, roles = WSGIHandler(), {}, cycle(tokens)

    def ids(path):
        resource = path.removeprefix("/api/v1/").partition("/{")[0]
        rows = scene.rows.get(ROWS.get(resource, ""), {})
        return [str(getattr(row, "pk", row)) for row in rows.values()]

    def ask(case, role):
        with transaction.atomic():
            headers = {"Authorization": f"Bearer {tokens[role]}"}
            response = case.call(app=app, base_url="http://testserver", headers=headers)
            transaction.set_rollback(True)
        try:
            case.validate_response(response, checks=CHECKS)
        except (Exception, BaseExceptionGroup) as fault:  # all faults are told together
            found.setdefault(f"{case.operation.method.upper()} {case.operation.path} ({role})", str(fault))

    def check(operation):
        @given(case=operation.as_strategy(), known=st.sampled_from(ids(operation.path) or [""]))
        @settings(
            max_examples=EXAMPLES,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def run(case, known):
            if known and "id" in (case.path_parameters or {}):
                case.path_parameters["id"] = known
            ask(case, next(roles))

        run()

    for result in openapi.from_dict(document).get_all_operations():
        check(result.ok())
    assert not found, "\n\n".join(f"{name}: {text}" for name, text in found.items())
