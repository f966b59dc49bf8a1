"""The pages that people see in a browser."""

from fastapi import APIRouter

from jobrunner.web.pages import (
    graph,
    login,
    overview,
    queues,
    schedules,
    system,
    timeline,
    workers,
)

router = APIRouter(include_in_schema=False)

for part in (login, overview, graph, timeline, workers, queues, schedules, system):
    router.include_router(part.router)
