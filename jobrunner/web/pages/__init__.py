"""The pages that people see in a browser."""

from fastapi import APIRouter

from jobrunner.web.pages import login, overview, system

router = APIRouter(include_in_schema=False)
router.include_router(login.router)
router.include_router(overview.router)
router.include_router(system.router)
