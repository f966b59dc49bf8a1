"""Queues and concurrency keys: what waits and runs, their limits; paused and limited here."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Path, Query, Request, Response

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.insight import QueueBacklog, TaskQuery
from jobrunner.core.limits import KeyInfo, Limits, NewLimits
from jobrunner.core.new_task import LONGEST_QUEUE
from jobrunner.core.span import parse_span, span_word
from jobrunner.core.status import Status
from jobrunner.core.task import Task
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acting
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.pages.house import NO_NUL, address_of, done, show
from jobrunner.web.pages.shown import names_of
from jobrunner.web.serving import Queue

router = APIRouter()

KEYS_SHOWN: Final = 200
TASKS_SHOWN: Final = 20

Name = Annotated[str, Form(max_length=LONGEST_QUEUE, pattern=NO_NUL)]
Asked = Annotated[str, Query(max_length=LONGEST_QUEUE, pattern=NO_NUL)]
Part = Annotated[str, Path(max_length=LONGEST_QUEUE, pattern=NO_NUL)]
Number = Annotated[str, Form(max_length=20)]
Period = Annotated[str, Form(max_length=20)]


@router.get("/queues")
def queues(
    request: Request,
    queue: Queue,
    _who: Reader,
    key: Asked = "",
) -> Response:
    """All queues, and the keys; with `key`, a form to change what holds for one."""
    keys = queue.keys.list()
    return show(
        request,
        "queues.html",
        queues=queue.insight.queue_backlogs(),
        keys=keys[:KEYS_SHOWN],
        keys_number=len(keys),
        changed=_key(keys, key) if key else None,
        period_text=period_text,
    )


@router.get("/queues/{path:path}")
def one_queue(
    request: Request,
    path: Part,
    queue: Queue,
    _who: Reader,
    name: Asked = "",
) -> Response:
    """One queue: what runs of it, what waits longest, what ended last."""
    named = path or name
    found = next((one for one in queue.insight.queue_backlogs() if one.name == named), None)
    running = _some(queue, named, Status.IN_PROGRESS)
    failed = _some(queue, named, Status.FAILED)
    newest = _some(queue, named, None)
    return show(
        request,
        "queue.html",
        named=named,
        queue=found or _nothing(named),
        running=running,
        failed=failed,
        newest=newest,
        names=names_of([*running, *failed, *newest]),
        period_text=period_text,
    )


@router.post("/queues")
def act(
    acts: Acting,
    _who: Operator,
    *,
    act: Annotated[Literal["pause", "resume", "limit"], Form()],
    name: Name,
    concurrency: Number = "",
    rate: Number = "",
    period: Period = "",
    to: Annotated[Literal["", "one"], Form()] = "",
) -> Response:
    """Pause or resume a queue, or set its limits; then back to the list, or to the page of it.

    Raises:
        ConfigurationError: the limits cannot be read.
        InvalidTaskError: no queue can have that name, or these limits.
    """
    there = address_of("queues", name) if to else "/queues"
    if act == "limit":
        acts.limit_queue(name, **new_limits(concurrency, rate, period))
        return done(there, "limited")
    if act == "pause":
        acts.pause_queue(name)
        return done(there, "paused")
    acts.resume_queue(name)
    return done(there, "resumed")


@router.post("/keys")
def limit_key(
    acts: Acting,
    _who: Operator,
    name: Name,
    concurrency: Number = "",
    rate: Number = "",
    period: Period = "",
) -> Response:
    """Set the limits of a key.

    Raises:
        ConfigurationError: the limits cannot be read.
        InvalidTaskError: no key can have that name, or these limits.
    """
    acts.limit_key(name, **new_limits(concurrency, rate, period))
    return done("/queues", "limited")


def new_limits(concurrency: str, rate: str, period: str) -> NewLimits:
    """Limits as a form sends them; an empty field lifts one.

    Raises:
        ConfigurationError: they cannot be read.
    """
    change = NewLimits(concurrency=_number("the number at a time", concurrency), rate=None)
    starts = _number("the number of starts", rate)
    if starts is not None:
        change["rate"] = starts, parse_span(period.strip() or "1m")
    return change


def period_text(limits: Limits) -> str:
    """The period of a rate as the form takes it."""
    return span_word(limits.rate.period) if limits.rate else ""


def _number(what: str, text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError(f"{what} is a whole number", hint="Leave it empty for no limit.")
    return int(text)


def _key(keys: Sequence[KeyInfo], name: str) -> KeyInfo:
    unknown = KeyInfo(name, Limits(concurrency=1), is_rule=False)
    return next((one for one in keys if one.name == name), unknown)


def _nothing(name: str) -> QueueBacklog:
    """A queue of which nothing waits or runs, and for which nothing was set."""
    return QueueBacklog(
        name=name,
        pending=0,
        in_progress=0,
        oldest_pending_at=None,
        paused_at=None,
        limits=Limits(),
    )


def _some(queue: TaskQueue, name: str, status: Status | None) -> Sequence[Task[Any]]:
    return queue.insight.find(TaskQuery(queue=name, status=status), TASKS_SHOWN)
