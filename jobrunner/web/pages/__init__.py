"""The pages that people see in a browser."""

from fastapi import APIRouter

from jobrunner.web.pages import graph, login, queues, schedules, timeline, workers

router = APIRouter(include_in_schema=False)

for part in (login, graph, timeline, workers, queues, schedules):
    router.include_router(part.router)
