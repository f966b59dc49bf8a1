"""The style sheet, which stands within the page."""

from functools import cache
from importlib import resources


@cache
def style() -> str:
    """All of it."""
    return (resources.files("jobrunner.report_page") / "style.css").read_text(encoding="utf-8")
