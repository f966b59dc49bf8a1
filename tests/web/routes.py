"""Every route of an app, however deep it was included."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi.routing import APIRoute

from jobrunner.web.identity import Requires


def leaves(routes: Iterable[Any]) -> Iterator[Any]:
    """The routes themselves."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from leaves(inner.routes)
        else:
            yield route


def needed(route: APIRoute) -> list[Requires]:
    """The roles that a route asks for, itself or by what it depends on."""
    return list(_needed(route.dependant))


def _needed(dependant: Any) -> Iterator[Requires]:
    if isinstance(dependant.call, Requires):
        yield dependant.call
    for one in dependant.dependencies:
        yield from _needed(one)
