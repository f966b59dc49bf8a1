"""A task as it is asked for: what it runs, when, after what, under which limits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Generic, Literal, TypeVar, Union

from jobrunner.core import fields, lane, payload
from jobrunner.core.cache import Cache, check_cache
from jobrunner.core.result import Result
from jobrunner.core.task import TASK_IDS, Task
from jobrunner.core.unique import Unique, as_rule, made_key

R_co = TypeVar("R_co", covariant=True)

DEFAULT_QUEUE: Final = "default"
LONGEST_QUEUE: Final = 500
"""Characters of a queue's name: it stands in indexes."""
DEFAULT_MAX_ATTEMPTS: Final = 5
NO_DELAY: Final = timedelta()
PRIORITY_RANGE: Final = range(-(2**31), 2**31)

Parent = Union[int, "Task[Any]", "NewTask[Any]"]
"""What `after` may name: an id, a stored task, or one enqueued in the same call."""

Word = Union[str, "Task[Any]", "NewTask[Any]", Result]
"""A part of a command: text, or a task, which stands for its result."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewTask(Generic[R_co]):
    """A task that is not stored yet: a function's name with arguments, or a command.

    `after` names parents that must complete, or this task is cancelled; `after_any` names
    parents that only have to end, in whatever way. `cwd` is the folder a command runs in, the
    worker's own unless given. `delay` and `expires_in` count from the moment of enqueueing;
    `run_at` and `expires_at`, after which it is not started any more, are moments with a time
    zone. Priorities are integers, higher first. Tasks of one `concurrency_key` share its limits,
    which stand in the database; `needs` are amounts of what a worker must offer. `unique` is a key
    or a whole rule; `cache` lets an unchanged task end without a run.

    A task among the arguments stands for its result, and is a parent without being named in
    `after`. A command finds all results of its parents in a file if it asks for `results`, and
    what it returns is its `result`: its exit code, or what it wrote to stdout.

    Raises:
        InvalidTaskError: a field has a wrong type or value.
    """

    function: str | None = None
    command: Sequence[Word] | None = None
    args: Sequence[Any] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    queue: str = DEFAULT_QUEUE
    priority: int = 0
    description: str = ""
    delay: timedelta = NO_DELAY
    run_at: datetime | None = None
    after: Sequence[Parent] = ()
    after_any: Sequence[Parent] = ()
    timeout: timedelta | None = None
    max_attempts: int = DEFAULT_MAX_ATTEMPTS
    cwd: str | None = None
    concurrency_key: str | None = None
    needs: Mapping[str, float] = field(default_factory=dict[str, float])
    unique: Unique | str | None = None
    expires_at: datetime | None = None
    expires_in: timedelta | None = None
    cache: Cache | None = None
    result: Literal["exit_code", "stdout"] = "exit_code"
    results: bool = False

    def __post_init__(self) -> None:
        """Check every field, so that nothing wrong gets as far as the database."""
        self._check_work()
        payload.check_text(self.description, what="description")
        payload.check_text(self.queue, what="queue")
        if not self.queue:
            raise fields.invalid("queue", "must have a name")
        if len(self.queue) > LONGEST_QUEUE:
            raise fields.invalid("queue", f"must have at most {LONGEST_QUEUE} characters")
        if self.cwd is not None and not payload.check_text(self.cwd, what="cwd").startswith("/"):
            raise fields.invalid("cwd", "must be an absolute path")
        fields.check_integer("priority", self.priority, PRIORITY_RANGE)
        fields.check_integer("max_attempts", self.max_attempts, range(1, 10_001))
        fields.check_span("delay", self.delay, shortest=NO_DELAY)
        if self.timeout is not None:
            fields.check_span("timeout", self.timeout, shortest=timedelta.resolution)
        if self.run_at is not None:
            fields.check_moment("run_at", self.run_at)
        _check_parents("after", self.after)
        _check_parents("after_any", self.after_any)
        self._check_limits()

    def _check_limits(self) -> None:
        if self.concurrency_key is not None:
            payload.check_text(self.concurrency_key, what="concurrency_key")
            if not 0 < len(self.concurrency_key) <= lane.LONGEST_KEY:
                raise fields.invalid(
                    "concurrency_key", f"must have from 1 to {lane.LONGEST_KEY} characters"
                )
        check_cache(self.cache)
        if self.needs:
            lane.check_amounts("needs", self.needs)
        if self.expires_at is not None:
            fields.check_moment("expires_at", self.expires_at)
        if self.expires_in is not None:
            fields.check_span("expires_in", self.expires_in, shortest=timedelta.resolution)
        self._check_expiry()
        if self.unique is not None:
            self._check_unique()

    def _check_unique(self) -> None:
        rule = self.rule
        if rule and rule.on_conflict == "replace" and (self.after or self.after_any):
            problem = (
                "must not be replace where a task waits for others: they could not be replaced"
            )
            raise fields.invalid("unique.on_conflict", problem)

    def _check_expiry(self) -> None:
        late = self.expires_in is not None and self.delay >= self.expires_in
        if self.expires_at is not None and self.run_at is not None:
            late |= self.run_at >= self.expires_at
        if late:
            raise fields.invalid("expires_at", "or expires_in: it would expire before it may start")

    def _check_work(self) -> None:
        if (self.function is None) == (self.command is None):
            raise fields.invalid("function", "or command: a task has exactly one of them")
        if self.function is not None and not payload.check_text(self.function, what="function"):
            raise fields.invalid("function", "must have a name")
        if not fields.is_list(self.args):
            raise fields.invalid("args", "must be a list")
        if not fields.has_names(self.kwargs):
            raise fields.invalid("kwargs", "must be an object with names for keys")
        self._check_result()
        if self.command is not None:
            self._check_command(self.command)

    def _check_result(self) -> None:
        if self.result not in ("exit_code", "stdout"):
            raise fields.invalid("result", "must be exit_code or stdout")
        fields.check_flag("results", self.results)
        if self.command is None and (self.results or self.result == "stdout"):
            name = "results" if self.results else "result"
            raise fields.invalid(name, "goes with a command; a function returns its own")

    def _check_command(self, command: Sequence[Word]) -> None:
        if not fields.is_list(command) or not command:
            raise fields.invalid("command", "must be a list with a program and its arguments")
        for part in command:
            if not isinstance(part, Task | NewTask | Result):
                payload.check_text(part, what="command")
        if self.args or self.kwargs:
            raise fields.invalid("args", "go with a function; a command has its own")

    @property
    def rule(self) -> Unique | None:
        """What it says of its uniqueness, with a key.

        Of a function that is known only by its name, the arguments are told apart by their names:
        `bind` of a registered function knows those of all.
        """
        rule = as_rule(self.unique)
        if rule is None or rule.key is not None:
            return rule
        if self.command is not None:
            if rule.by is not None:
                raise fields.invalid("unique.by", "goes with a function; give a command a key")
            return replace(rule, key=made_key("", [list(self.command), self.cwd]))
        missing = [name for name in rule.by or () if name not in self.kwargs]
        if missing or (self.args and rule.by is None):
            told = f"argument {missing[0]!r}" if missing else "names of positional arguments"
            raise fields.invalid(
                "unique", f"lacks the {told}: pass what counts by keyword, or give a key"
            )
        return rule.of(self.function or "", self.kwargs)

    @property
    def name(self) -> str:
        """What people call it: its description, or what it runs."""
        words = (w if isinstance(w, str) else "<result>" for w in self.command or ())
        return self.description or self.function or " ".join(words)


def _check_parents(name: str, parents: Sequence[object]) -> None:
    if not fields.is_list(parents):
        raise fields.invalid(name, "must be a list of tasks or ids")
    for parent in parents:
        if not isinstance(parent, Task | NewTask):
            fields.check_integer(name, parent, TASK_IDS)
