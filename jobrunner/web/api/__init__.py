"""The REST interface, `/api/v1`."""

from fastapi import APIRouter

from jobrunner.web.api import live

router = APIRouter(prefix="/api/v1")
router.include_router(live.router)
