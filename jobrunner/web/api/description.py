"""The description of the REST interface, OpenAPI."""

from typing import Any

from fastapi import APIRouter, Request

from jobrunner.web.identity import Reader

PATH = "/api/v1/openapi.json"

router = APIRouter()


@router.get(PATH, include_in_schema=False)
def describe(request: Request, _identity: Reader) -> dict[str, Any]:
    """All routes, what they take and what they answer."""
    described: dict[str, Any] = request.app.openapi()
    return described
