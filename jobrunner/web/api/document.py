"""The OpenAPI document: what each route takes and answers, and how it tells what is wrong."""

import copy
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final, cast

from fastapi import APIRouter, FastAPI, Request, Response

from jobrunner.web.api.answers import look
from jobrunner.web.api.models import Problem
from jobrunner.web.api.reading import is_array, is_object
from jobrunner.web.identity import Reader
from jobrunner.web.problems import MEDIA_TYPE
from jobrunner.web.serving import Queue

router = APIRouter()

PREFIX: Final = "/api/v1"

PROBES: Final = ("/livez", "/readyz")
"""Who runs servers asks these without a token."""

INFO: Final = """
Tasks, queues, workers, schedules and batches of one jobrunner database. Objects have the names
that `jobrunner … --json` gives them; moments are ISO 8601 in UTC, spans seconds. What is wrong
is told as `application/problem+json` (RFC 9457). An answer to a GET has an `ETag`: sent back as
`If-None-Match`, it gets a short 304 while nothing has changed.
"""

ALWAYS: Final[dict[int, str]] = {
    400: "The request cannot be read.",
    401: "A token is needed, or is not known.",
    403: "The token's role, or this server, does not allow that.",
    405: "There is no such method here; `Allow` tells which there are.",
    421: "`Host` names another server.",
    429: "Too many requests; `Retry-After` tells when to come again.",
    503: "The database cannot be used now.",
}
WITH_VALUES: Final[dict[int, str]] = {
    404: "There is nothing of that id or name.",
    422: "A value is not right; nothing was changed.",
}
WITH_BODY: Final[dict[int, str]] = {
    408: "The body did not arrive in time.",
    409: "The present state does not allow that; nothing was changed.",
    413: "The body is too large.",
    415: "The body is not application/json.",
}

LINKS: Final[dict[tuple[str, str], tuple[str, str, str]]] = {
    ("enqueue_a_task", "201"): ("task_id", "$response.body#/id", "task"),
    ("run_a_schedule", "201"): ("task_id", "$response.body#/id", "task"),
    ("enqueue_many_tasks", "201"): ("task_id", "$response.body#/ids/0", "task"),
    ("add_a_schedule", "201"): ("name", "$response.body#/name", "schedule"),
}
"""What an answer leads on to: a parameter, where its value stands, and whose operations take it."""


class DocumentedApp(FastAPI):
    """An app that tells all of that."""

    _methods: list[tuple[re.Pattern[str], list[str]]] | None = None

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if self.openapi_schema is None:
            self.openapi_schema = _completed(copy.deepcopy(super().openapi()))
        return self.openapi_schema

    def methods(self, path: str) -> list[str]:
        """The methods of a path."""
        if self._methods is None:
            told = self.openapi()["paths"]
            self._methods = [(_pattern(template), [*ops]) for template, ops in told.items()]
        found = (ops for pattern, ops in self._methods if pattern.fullmatch(path))
        return [method.upper() for method in next(found, ())]


def _pattern(template: str) -> re.Pattern[str]:
    """What a path of this template looks like."""
    parts = re.split(r"\{(\w+)\}", template)
    for at in range(1, len(parts), 2):
        parts[at] = "[0-9]+" if parts[at].endswith("_id") else "[^/]+"
    parts[::2] = [re.escape(part) for part in parts[::2]]
    return re.compile("".join(parts))


@router.get(f"{PREFIX}/openapi.json", include_in_schema=False)
def document(request: Request, queue: Queue, _who: Reader) -> Response:
    """The document. While there is no token, none is needed."""
    told = cast("FastAPI", request.app).openapi()
    if not queue.tokens.look(None).is_any:
        told = copy.deepcopy(told)
        for _, _, operation in _operations(told):
            if "security" in operation:
                operation["security"].append({})
    return look(request, told)


def _completed(told: dict[str, Any]) -> dict[str, Any]:
    told["info"]["description"] = INFO.strip()
    parts = told.setdefault("components", {})
    schemas = parts.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = Problem.model_json_schema()
    parts["responses"] = {str(status): _problem(text) for status, text in _every().items()}
    parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    operations = {op["operationId"]: (path, op) for path, _, op in _operations(told)}
    for path, method, operation in _operations(told):
        if path.startswith(PREFIX):
            _complete(method, operation)
        if path not in PROBES:
            operation["security"] = [{"token": []}]
    for (name, status), (parameter, value, kind) in LINKS.items():
        operations[name][1]["responses"][status]["links"] = {
            other: {"operationId": other, "parameters": {parameter: value}}
            for other, (path, _) in operations.items()
            if path.startswith(f"{PREFIX}/{kind}s/{{{parameter}}}")
        }
    _tidy(told)
    return told


def _every() -> dict[int, str]:
    return ALWAYS | WITH_VALUES | WITH_BODY


def _problem(text: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}


def _operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in told["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _complete(method: str, operation: dict[str, Any]) -> None:
    statuses = dict(ALWAYS)
    if "requestBody" in operation or operation.get("parameters"):
        statuses |= WITH_VALUES
    if method != "get":
        statuses |= WITH_BODY
    responses: dict[str, Any] = operation["responses"]
    for status in sorted(statuses):
        responses[str(status)] = {"$ref": f"#/components/responses/{status}"}
    if method == "get":
        _complete_look(operation)


def _tidy(part: Any) -> None:
    """Bounds of whole numbers are whole, and nothing in a path or a query can be null."""
    if is_array(part):
        for one in part:
            _tidy(one)
    if is_object(part):
        if "in" in part and "anyOf" in (schema := part.get("schema", {})):
            schema["anyOf"] = [one for one in schema["anyOf"] if one != {"type": "null"}]
        for name in ("minimum", "maximum", "exclusiveMinimum"):
            if isinstance(bound := part.get(name), float) and bound.is_integer():
                part[name] = int(bound)
        for one in part.values():
            _tidy(one)


def _complete_look(operation: dict[str, Any]) -> None:
    headers = {"ETag": {"description": "Of this answer.", "schema": {"type": "string"}}}
    if any(one["name"] == "before" for one in operation.get("parameters", ())):
        headers["Link"] = {"description": "The next page.", "schema": {"type": "string"}}
    operation["responses"]["200"]["headers"] = headers
    operation["responses"][str(int(HTTPStatus.NOT_MODIFIED))] = {
        "description": "It is as `If-None-Match` has it."
    }
    operation.setdefault("parameters", []).append(
        {
            "name": "If-None-Match",
            "in": "header",
            "description": "An ETag that was told before.",
            "schema": {"type": "string"},
        }
    )
