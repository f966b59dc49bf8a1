"""Every change that is made over HTTP: whether it may be made, and who has made it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar, Unpack

from fastapi import Depends, Request

from jobrunner.bulk import BulkFilter
from jobrunner.core import fields
from jobrunner.core.bulk import Act, Done
from jobrunner.core.changes import TaskChanges
from jobrunner.core.crew import Told
from jobrunner.core.hook import RESERVED
from jobrunner.core.limits import Limits
from jobrunner.core.new_task import NewTask
from jobrunner.core.role import Role
from jobrunner.core.schedule import Schedule, ScheduleOptions
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.core.web_errors import ForbiddenError, ReadOnlyError, RoleError
from jobrunner.queues import NewLimits
from jobrunner.task_queue import TaskQueue
from jobrunner.web.identity import Identity, identified
from jobrunner.web.options import ServeOptions
from jobrunner.web.serving import options_of, queue_of

R = TypeVar("R")


class Acts:
    """What somebody does to a queue. Each method checks their role, and that anything may change.

    Raises:
        RoleError: they may not.
        ReadOnlyError: nobody may.
    """

    def __init__(self, queue: TaskQueue, identity: Identity, options: ServeOptions) -> None:
        """Nothing is asked yet."""
        self._queue = queue
        self._identity = identity
        self._options = options

    def enqueue(self, new: Sequence[NewTask[Any]], key: str | None = None) -> list[Task[Any]]:
        """Store tasks, all or none; the same again, with the same `key`, stores none.

        Raises:
            InvalidTaskError: one cannot be stored; none was.
            UnknownFunctionError: functions are registered here, but none of that name.
            ForbiddenError: one is a command, and those are not taken here.
        """
        del key
        for task in new:
            self._check_work(task)
        return self._do(
            "enqueue", "", {"count": len(new)}, lambda: self._queue.enqueue_many(new), Role.SUBMIT
        )

    def update(self, task_id: int, **changes: Unpack[TaskChanges]) -> Task[Any]:
        """Change a task that has not started; see `TaskQueue.update`."""
        if "command" in changes:
            self._check_commands()
        named = {"changes": sorted(changes)}
        return self._do("update", task_id, named, lambda: self._queue.update(task_id, **changes))

    def cancel(self, task_id: int) -> Status:
        """Cancel a waiting task, or have a running one stopped; see `TaskQueue.cancel`."""
        return self._do("cancel", task_id, {}, lambda: self._queue.cancel(task_id))

    def retry(self, task_id: int, *, downstream: bool = False, failed_only: bool = False) -> Status:
        """Run a task again, alone or with what depends on it; see `TaskQueue.retry`."""
        how = {"downstream": downstream, "failed_only": failed_only}
        return self._do("retry", task_id, how, lambda: self._queue.retry(task_id, **how))

    def bulk(self, act: Act, **wanted: Unpack[BulkFilter]) -> Done:
        """Retry, cancel or delete many tasks; see `TaskQueue.bulk`."""
        return self._do(
            f"bulk {act}", "", _told(wanted), lambda: self._queue.bulk.do(act, **wanted)
        )

    def pause_queue(self, name: str) -> bool:
        """Start no more tasks of a queue; `False` if it was paused before."""
        return self._do("pause queue", name, {}, lambda: self._queue.queues.pause(name))

    def resume_queue(self, name: str) -> bool:
        """Go on with a queue; `False` if it was not paused."""
        return self._do("resume queue", name, {}, lambda: self._queue.queues.resume(name))

    def limit_queue(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a queue; returns those that hold now."""
        return self._do(
            "limit queue", name, _told(change), lambda: self._queue.queues.limit(name, **change)
        )

    def limit_key(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a concurrency key; returns those that hold now."""
        return self._do(
            "limit key", name, _told(change), lambda: self._queue.keys.limit(name, **change)
        )

    def pause_worker(self, who: str, *, crew: bool = False) -> Told:
        """Have a worker, or a crew, claim nothing more."""
        call = self._queue.crews.pause
        return self._do("pause worker", who, {"crew": crew}, lambda: call(who, crew=crew))

    def resume_worker(self, who: str, *, crew: bool = False) -> Told:
        """Have a worker, or a crew, claim again."""
        call = self._queue.crews.resume
        return self._do("resume worker", who, {"crew": crew}, lambda: call(who, crew=crew))

    def stop_worker(self, who: str, *, crew: bool = False) -> Told:
        """Have a worker, or those of a crew, end in order."""
        call = self._queue.crews.stop
        return self._do("stop worker", who, {"crew": crew}, lambda: call(who, crew=crew))

    def resize_worker(self, who: str, concurrency: int | None, *, crew: bool = False) -> Told:
        """Have a worker, or those of a crew, run so many tasks at a time."""
        call = self._queue.crews.resize
        how = {"crew": crew, "concurrency": concurrency}
        return self._do("resize worker", who, how, lambda: call(who, concurrency, crew=crew))

    def pause_schedule(self, name: str) -> Schedule:
        """Fire no tick of a schedule until it is resumed."""
        return self._do("pause schedule", name, {}, lambda: self._queue.schedules.pause(name))

    def resume_schedule(self, name: str) -> Schedule:
        """Fire a schedule again from now on."""
        return self._do("resume schedule", name, {}, lambda: self._queue.schedules.resume(name))

    def run_schedule(self, name: str) -> Task[Any]:
        """Store the task of a schedule once, now."""
        return self._do("run schedule", name, {}, lambda: self._queue.schedules.run(name))

    def add_schedule(
        self,
        name: str,
        rule: str | timedelta,
        task: NewTask[Any],
        **options: Unpack[ScheduleOptions],
    ) -> Schedule:
        """Store a task again and again; see `TaskQueue.schedules`."""
        self._check_work(task)
        detail = {"rule": str(rule), "task": task.name}
        call = self._queue.schedules.add
        return self._do("add schedule", name, detail, lambda: call(name, rule, task, **options))

    def remove_schedule(self, name: str) -> None:
        """Forget a schedule; tasks that it has stored stay."""
        self._do("remove schedule", name, {}, lambda: self._queue.schedules.remove(name))

    def send_event(self, name: str, payload: Any = None, task_id: int | None = None) -> int:
        """Send an event to one task, or to all; returns how many start again for it."""
        call = self._queue.events.send
        return self._do(
            "send event",
            name,
            {"task_id": task_id},
            lambda: call(name, payload, task=task_id),
            Role.SUBMIT,
        )

    def prune(self) -> int:
        """Delete what has ended longer ago than it is kept; returns how many."""
        return self._do("prune", "", {}, self._queue.retention.prune)

    def _do(
        self,
        act: str,
        target: object,
        detail: Mapping[str, Any],
        call: Callable[[], R],
        needed: Role = Role.OPERATE,
    ) -> R:
        del act, target, detail
        self._check_may(needed)
        return call()

    def _check_may(self, needed: Role) -> None:
        if not self._identity.role.allows(needed):
            raise RoleError(self._identity.name, self._identity.role, needed)
        if self._options.read_only:
            raise ReadOnlyError

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


def _told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON can hold them."""
    return {name: _plain(value) for name, value in values.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [_plain(one) for one in value] if fields.is_list(value) else value


def acting(request: Request, identity: Annotated[Identity, Depends(identified)]) -> Acts:
    """What whoever asks may do."""
    return Acts(queue_of(request), identity, options_of(request))


Acting = Annotated[Acts, Depends(acting)]
