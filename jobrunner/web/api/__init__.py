"""The REST interface, `/api/v1`."""

from fastapi import APIRouter

from jobrunner.web.api import (
    actions,
    batches,
    estimates,
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
    estimates,
):
    router.include_router(part.router)
