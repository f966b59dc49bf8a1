"""The pages that people see in a browser."""

from fastapi import APIRouter

from jobrunner.web.pages import (
    enqueue,
    login,
    many,
    overview,
    system,
    task,
    task_acts,
    tasks,
)

router = APIRouter(include_in_schema=False)
for part in (login, overview, system, tasks, many, enqueue, task, task_acts):
    router.include_router(part.router)
