"""The pages that people see in a browser."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
