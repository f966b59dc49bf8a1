"""Run a task, or end it with what an equal one has left: opt-in, seen to where the task runs."""

import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jobrunner.core import extras, payload
from jobrunner.core.cache import Cache
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.outcome import Cached, Completed, Failed, Kept, Outcome
from jobrunner.core.results import FILE
from jobrunner.core.task import Lease
from jobrunner.runtime import contents
from jobrunner.runtime.perform import one_line
from jobrunner.runtime.registry import Function
from jobrunner.storage import cached
from jobrunner.storage.engine import Database

Shield = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Subject:
    """What identifies a task, as far as it does not lie in files, and the files that do."""

    identity: list[Any]
    inputs: list[Path]
    outputs: list[Path]
    database: Database

    def key(self) -> str:
        """The key of its result, by what its inputs hold now."""
        found = contents.of_files(self.inputs, never=self.database.path)
        return contents.digest(self.identity, found)

    def made(self) -> dict[str, str | None]:
        """What its outputs hold now."""
        return contents.of_files(self.outputs, never=self.database.path)


@dataclass(frozen=True, slots=True)
class Fresh:
    """A task that is to run, and may stand for equal ones then."""

    subject: Subject
    key: str

    def ended(self, outcome: Outcome) -> Outcome:
        """The outcome, to be kept if the task has completed and all is as it should be.

        Not if an input has changed meanwhile: it is not known what of it was read.
        """
        if type(outcome) is not Completed:
            return outcome
        try:
            made = self.subject.made()
            if None in made.values() or self.subject.key() != self.key:
                return outcome
            outputs = payload.encode(made, what="outputs") if made else None
        except (OSError, InvalidTaskError):  # what is done is done
            return outcome
        return Kept(outcome.result, self.key, outputs)


def before(
    lease: Lease, function: Function | None, database: Database, *, shielded: Shield
) -> Outcome | Fresh | None:
    """What is known of a task before it runs.

    Its outcome, if an equal one has completed or if it cannot be told; `Fresh`, if it is to run
    and to be kept; `None`, if it has not opted in.
    """
    try:
        subject = _subject(lease, function, database)
        if subject is None:
            return None
        key = subject.key()
        with shielded(), database.reading() as transaction:
            found = cached.find(transaction, key)
        if found is None or (found.outputs and payload.decode(found.outputs) != subject.made()):
            return Fresh(subject, key)
    except InvalidTaskError as error:
        return Failed(one_line(error), retryable=False)
    except OSError as error:
        return Failed(f"a file of its cache cannot be read: {one_line(error)}")
    return Cached(found.result, key)


def through(
    lease: Lease,
    function: Function | None,
    database: Database,
    run: Callable[[], Outcome],
    *,
    shielded: Shield,
) -> Outcome:
    """Run a task that may have opted in, if it is to run."""
    found = before(lease, function, database, shielded=shielded)
    if found is None:
        return run()
    return found.ended(run()) if isinstance(found, Fresh) else found


def _subject(lease: Lease, function: Function | None, database: Database) -> Subject | None:
    options = extras.decode(lease.extras)
    asked = options.get("cache")
    if asked is None:
        return None
    cache = Cache(**asked)
    folder = Path(lease.cwd or os.getcwd())  # noqa: PTH109 — as the command will see it
    if function is None:
        identity = ["command", lease.command, str(folder), cache.version, options.get(FILE)]
        return Subject(
            identity, _paths(folder, cache.inputs), _paths(folder, cache.outputs), database
        )
    args: list[Any] = payload.decode(lease.args) or []
    kwargs: dict[str, Any] = payload.decode(lease.kwargs) or {}
    named = contents.arguments(function.call, args, kwargs)
    if named is None:  # it will say so itself
        return None
    version = cache.version or contents.of_function(function.call)
    filled = partial(_filled, named=named)
    return Subject(
        ["function", function.name, version, named],
        _paths(folder, map(filled, cache.inputs)),
        _paths(folder, map(filled, cache.outputs)),
        database,
    )


def _paths(folder: Path, names: Iterable[str]) -> list[Path]:
    return [folder / name for name in names]


def _filled(name: str, *, named: dict[str, Any]) -> str:
    """A file's name with arguments in it."""
    try:
        return name.format(**named)
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        raise InvalidTaskError(
            f"the file {name!r} cannot be filled with the arguments: {one_line(error)}",
            field="cache",
            hint="Name arguments of the function in braces; write {{ and }} for braces.",
        ) from None
