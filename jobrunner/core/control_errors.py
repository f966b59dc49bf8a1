"""Errors of who controls tasks, workers and hooks, and of steps; the tree is drawn in `errors`."""

from jobrunner.core.errors import (
    ConfigurationError,
    InvalidTaskError,
    JobrunnerError,
    WaitTimeoutError,
)


class DuplicateTaskError(InvalidTaskError):
    """Another task has its unique key; nothing of the call was stored."""

    def __init__(self, key: str, task_id: int | None) -> None:
        """`task_id` is who has the `key`, `None` for another task of the same call."""
        holder = "another task of this call" if task_id is None else f"task {task_id}"
        super().__init__(
            f"the unique key {key!r} is in use by {holder}",
            field="unique",
            hint="Nothing was enqueued; to keep the other one, say on_conflict='ignore'"
            " (--if-exists ignore).",
        )
        self.key = key
        self.task_id = task_id


class WorkerNotFoundError(JobrunnerError):
    """No worker that runs has that id, and no crew that name."""

    hint = (
        "See who there is with `jobrunner worker list`; "
        "name a crew that nobody belongs to yet with --crew."
    )

    def __init__(self, name: str) -> None:
        """`name` is what was asked for."""
        super().__init__(f"no worker that runs, and no crew, is named {name!r}")
        self.name = name


class DrainTimeoutError(WaitTimeoutError):
    """Something of a queue that is drained did not end in time; the queue stays paused."""

    def __init__(self, queue: str, running: int, seconds: float) -> None:
        """`running` is how many tasks of it still are in progress after `seconds`."""
        tasks = "one task still runs" if running == 1 else f"{running} tasks still run"
        JobrunnerError.__init__(self, f"not drained within {seconds:g} s: {tasks} in {queue!r}")
        self.task_ids = ()
        self.queue = queue
        self.running = running
        self.hint = f"The queue stays paused; go on with `jobrunner queue resume {queue}`."


class EventTimeoutError(JobrunnerError):
    """The event that a task waits for was not sent in time. Catch it to go on without."""

    def __init__(self, event: str) -> None:
        """`event` is the name that was waited for."""
        super().__init__(f"the event {event!r} was not sent in time")
        self.event = event
        self.hint = f"Send it with `jobrunner event send {event}`, then retry the task."


class StepError(JobrunnerError):
    """A step of a task that cannot be kept as asked."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)
        self.hint = hint


class HookNotFoundError(JobrunnerError):
    """No hook has that name."""

    hint = "List what there is with `jobrunner hook list`."

    def __init__(self, name: str) -> None:
        """`name` is the one that was asked for."""
        super().__init__(f"there is no hook {name!r}")
        self.name = name


class DuplicateHookError(ConfigurationError):
    """Another hook has that name."""

    def __init__(self, name: str) -> None:
        """`name` is the one that both ask for."""
        super().__init__(
            f"there is a hook {name!r} already", hint="Remove that one first, or name this another."
        )
