"""What a query of people's own has found, and why one is not run."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from jobrunner.core.errors import JobrunnerError


class Found(NamedTuple):
    """The names of the columns, and the rows as they are read."""

    columns: Sequence[str]
    rows: Iterator[Sequence[Any]]


class QueryError(JobrunnerError):
    """A query that cannot be run, or is none."""

    hint = "See the views and their columns with `jobrunner sql`."

    def __init__(self, problem: str) -> None:
        """`problem` is what the database says of it."""
        first = problem.strip().partition("\n")[0].rstrip(". ")
        super().__init__(f"the query was not run: {first}" if first else "the query was not run")
