"""The files that pages load: their address changes with their content."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER: Final = Path(__file__).parent / "static"


@cache
def version() -> str:
    """A word for the content of all the files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(path.relative_to(FOLDER).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where a browser finds a file, such as `style.css`."""
    return f"/static/{version()}/{name}"


class Assets(StaticFiles):
    """The files, each to be kept by a browser for good: what changes gets another address."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def mount(app: Starlette) -> None:
    """Have the app serve the files."""
    app.mount(f"/static/{version()}", Assets(), name="static")
