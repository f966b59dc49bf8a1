"""Routes of each kind, to try what all have in common."""

from typing import Any

from fastapi import APIRouter, Request

from jobrunner.web.acts import Acting
from jobrunner.web.identity import Operator, Reader, Submitter

router = APIRouter()


@router.get("/api/v1/try/read")
def read(who: Reader) -> str:
    return who.name


@router.post("/api/v1/try/submit")
def submit(who: Submitter) -> str:
    return who.name


@router.post("/api/v1/try/operate")
def operate(who: Operator) -> str:
    return who.name


@router.post("/api/v1/try/cancel/{task_id}")
def cancel(task_id: int, acts: Acting, _who: Operator) -> str:
    return acts.cancel(task_id)


@router.post("/api/v1/try/body")
async def body(request: Request, _who: Operator) -> int:
    return len(await request.body())


@router.post("/api/v1/try/json")
def json(value: dict[str, Any], _who: Operator) -> int:
    return len(value)


@router.get("/api/v1/try/fail")
def fail(_who: Reader) -> None:
    raise RuntimeError("a secret detail")


@router.get("/try")
def page(request: Request, _who: Reader) -> str:
    return request.state.csrf_token


@router.post("/try")
def form(who: Operator) -> str:
    return who.name


def add_routes(app: Any) -> None:
    """Under /api/v1/try for programs, under /try for people."""
    app.include_router(router)
