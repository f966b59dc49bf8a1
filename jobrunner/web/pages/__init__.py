"""The pages that people see in a browser."""

from fastapi import APIRouter

from jobrunner.web.pages import (
    enqueue,
    graph,
    login,
    many,
    overview,
    queues,
    schedules,
    system,
    task,
    task_acts,
    tasks,
    timeline,
    workers,
)

router = APIRouter(include_in_schema=False)

for part in (
    login,
    overview,
    tasks,
    many,
    enqueue,
    task,
    task_acts,
    graph,
    timeline,
    workers,
    queues,
    schedules,
    system,
):
    router.include_router(part.router)
