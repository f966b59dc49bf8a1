"""Every change that is made over HTTP: whether it may be made, and who has made it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, Unpack

from fastapi import Depends, Request

from jobrunner.core.access import check_key
from jobrunner.core.bulk import NAMED_AT_MOST, Act, BulkFilter, Done, Wanted
from jobrunner.core.changes import TaskChanges
from jobrunner.core.crew import Told
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.limits import Limits, NewLimits
from jobrunner.core.new_task import NewTask
from jobrunner.core.role import Role
from jobrunner.core.sameness import fingerprint
from jobrunner.core.schedule import Schedule, ScheduleOptions
from jobrunner.core.status import Status
from jobrunner.core.task import Task, TaskId
from jobrunner.storage import access, reads
from jobrunner.web.audited import Audited, told
from jobrunner.web.identity import Identity, identified
from jobrunner.web.serving import options_of, queue_of

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Acts(Audited):
    """What somebody does to a queue. Each method checks their role, and that anything may change.

    Raises:
        RoleError: they may not.
        ReadOnlyError: nobody may.
    """

    was_known = False
    """Whether the last `enqueue` came again, and its tasks were there."""

    def enqueue(self, new: Sequence[NewTask[Any]], key: str | None = None) -> list[Task[Any]]:
        """Store tasks, all or none; the same again, with the same `key`, stores none.

        Raises:
            InvalidTaskError: one cannot be stored; none was.
            UnknownFunctionError: functions are registered here, but none of that name.
            ForbiddenError: one is a command, and those are not taken here.
            IdempotencyError: the key stands for other tasks.
            ConfigurationError: there can be no such key.
        """
        self._check_may(Role.SUBMIT)
        for task in new:
            self._check_work(task)
        if key is None:
            return self._together(lambda connection: self._enqueue(connection, new))
        named = check_key(key), fingerprint(new)
        return self._together(lambda connection: self._enqueue_once(connection, new, *named))

    def _enqueue(self, connection: "Connection", new: Sequence[NewTask[Any]]) -> list[Task[Any]]:
        tasks = self._queue.enqueue_many(new)
        ids = [task.id for task in tasks]
        detail = {"count": len(ids), "ids": ids[:NAMED_AT_MOST]}
        self._note(connection, "enqueue", ids[0] if len(ids) == 1 else "", detail)
        return tasks

    def _enqueue_once(
        self, connection: "Connection", new: Sequence[NewTask[Any]], key: str, mark: str
    ) -> list[Task[Any]]:
        actor, now = self._identity.name, self._queue.clock.now()
        ids = access.take_key(connection, actor, key, fingerprint=mark, now=now)
        self.was_known = ids is not None
        if ids is not None:
            return self._tasks(ids)
        tasks = self._enqueue(connection, new)
        access.keep_answer(connection, actor, key, [task.id for task in tasks])
        return tasks

    def _tasks(self, ids: Sequence[int]) -> list[Task[Any]]:
        many = self._queue.store.read(reads.get_many, ids, source=self._queue)
        found = {task.id: task for task in many}
        if missing := [task_id for task_id in ids if task_id not in found]:
            raise TaskNotFoundError(missing[0])  # it was deleted since
        return [found[TaskId(task_id)] for task_id in ids]

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

    def rewind(self, task_id: int, *, failed_only: bool = False) -> list[TaskId]:
        """Run a task again with all that depends on it; see `TaskQueue.rewind`."""
        call, how = self._queue.rewind, {"failed_only": failed_only}
        return self._do("rewind", task_id, how, lambda: call(task_id, **how))

    def bulk(self, act: Act, **wanted: Unpack[BulkFilter]) -> Done:
        """Retry, cancel or delete many tasks, some hundreds in a transaction; see `TaskQueue.bulk`.

        It is noted before the first of them, and what has come of it behind the last.
        """
        Wanted(**wanted).statuses(act)
        with self._long(f"bulk {act}", told(wanted)) as came:
            done = self._queue.bulk.do(act, **wanted)
            came.update(done=done.done, refused=done.refused_count)
        return done

    def pause_queue(self, name: str) -> bool:
        """Start no more tasks of a queue; `False` if it was paused before."""
        return self._do("pause queue", name, {}, lambda: self._queue.queues.pause(name))

    def resume_queue(self, name: str) -> bool:
        """Go on with a queue; `False` if it was not paused."""
        return self._do("resume queue", name, {}, lambda: self._queue.queues.resume(name))

    def limit_queue(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a queue; returns those that hold now."""
        return self._do(
            "limit queue", name, told(change), lambda: self._queue.queues.limit(name, **change)
        )

    def limit_key(self, name: str, **change: Unpack[NewLimits]) -> Limits:
        """Change the limits of a concurrency key; returns those that hold now."""
        return self._do(
            "limit key", name, told(change), lambda: self._queue.keys.limit(name, **change)
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
        with self._long("prune", {}) as came:
            deleted = self._queue.retention.prune()
            came.update(done=deleted)
        return deleted


def acting(request: Request, identity: Annotated[Identity, Depends(identified)]) -> Acts:
    """What whoever asks may do."""
    return Acts(queue_of(request), identity, options_of(request), request.app.state.rates)


Acting = Annotated[Acts, Depends(acting)]
