"""The REST interface, `/api/v1`."""

from fastapi import APIRouter

from jobrunner.web.api import (
    actions,
    batches,
    events,
    found,
    insights,
    live,
    queues,
    reports,
    schedules,
    tasks,
    workers,
)

router = APIRouter(prefix="/api/v1")

for part in (
    tasks,
    found,
    actions,
    queues,
    workers,
    schedules,
    batches,
    reports,
    events,
    live,
    insights,
):
    router.include_router(part.router)
