"""A change that may be made, is written down with who makes it, and goes in one transaction."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from jobrunner.core import fields
from jobrunner.core.bulk import NAMED_AT_MOST
from jobrunner.core.errors import ConflictError
from jobrunner.core.hook import RESERVED
from jobrunner.core.new_task import NewTask
from jobrunner.core.role import Role
from jobrunner.core.web_errors import ForbiddenError, ReadOnlyError, RoleError
from jobrunner.storage import access
from jobrunner.task_queue import TaskQueue
from jobrunner.web.identity import Identity
from jobrunner.web.limits import Rates
from jobrunner.web.options import ServeOptions

if TYPE_CHECKING:
    from sqlalchemy import Connection

R = TypeVar("R")


class Audited:
    """What all acts share: who acts, whether they may, and the note of it."""

    def __init__(
        self,
        queue: TaskQueue,
        identity: Identity,
        options: ServeOptions,
        rates: Rates | None = None,
    ) -> None:
        """`rates` limits how often each identity acts."""
        self._queue = queue
        self._identity = identity
        self._options = options
        self._rates = rates

    def _do(
        self,
        act: str,
        target: object,
        detail: Mapping[str, Any],
        call: Callable[[], R],
        needed: Role = Role.OPERATE,
    ) -> R:
        self._check_may(needed)

        def act_and_note(connection: "Connection") -> R:
            result = call()
            self._note(connection, act, target, detail)
            return result

        return self._together(act_and_note)

    def _together(self, call: "Callable[[Connection], R]") -> R:
        """In one transaction, once more if another was in its way."""
        try:
            return self._at_once(call)
        except ConflictError:
            return self._at_once(call)

    def _at_once(self, call: "Callable[[Connection], R]") -> R:
        with self._queue.transaction() as connection:
            return call(connection)

    def _note(
        self, connection: "Connection", act: str, target: object, detail: Mapping[str, Any]
    ) -> int:
        now, actor = self._queue.clock.now(), self._identity.name
        return access.note(connection, actor, act, target=str(target), detail=detail, now=now)

    @contextmanager
    def _long(self, act: str, detail: Mapping[str, Any]) -> Generator[dict[str, Any]]:
        """What takes many transactions: yields what is to be told of its end."""
        self._check_may(Role.OPERATE)
        entry = self._together(lambda connection: self._note(connection, act, "", detail))
        came: dict[str, Any] = {}
        yield came
        self._queue.store.write(access.note_more, entry, {**detail, **came})

    def _check_may(self, needed: Role) -> None:
        if not self._identity.role.allows(needed):
            raise RoleError(self._identity.name, self._identity.role, needed)
        if self._options.read_only:
            raise ReadOnlyError
        if self._rates is not None:
            self._rates.take(self._identity.name)

    def _check_work(self, task: NewTask[Any]) -> None:
        if task.command is not None:
            self._check_commands()
        if task.function is not None and task.function.startswith(RESERVED):
            raise ForbiddenError(f"functions that begin with {RESERVED} are jobrunner's own")

    def _check_commands(self) -> None:
        if not self._options.allow_commands:
            raise ForbiddenError(
                "commands are not taken here",
                hint="Start `jobrunner serve` with --allow-commands to allow them.",
            )


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON can hold them; of long lists the beginning."""
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [_plain(one) for one in value[:NAMED_AT_MOST]] if fields.is_list(value) else value
