"""The pages that people see in a browser."""

from fastapi import APIRouter

from jobrunner.web.pages import login

router = APIRouter(include_in_schema=False)
router.include_router(login.router)
