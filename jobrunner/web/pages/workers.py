"""Who works: each worker with what it runs, and the crews; paused, resized and stopped here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Form, Query, Request, Response

from jobrunner.core.crew import Crew
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.insight import TaskQuery
from jobrunner.core.status import Status
from jobrunner.core.task import Task, WorkerId
from jobrunner.core.worker import WorkerInfo, WorkerStatus
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acting, Acts
from jobrunner.web.identity import Operator, Reader
from jobrunner.web.pages.house import NO_NUL, done, show
from jobrunner.web.pages.shown import names_of
from jobrunner.web.serving import Queue

router = APIRouter()

ENDED_SHOWN: Final = 50
RUNNING_READ: Final = 500
RUNNING_SHOWN: Final = 5

DID: Final = {"pause": "paused", "resume": "resumed", "stop": "stopped", "resize": "resized"}


@dataclass(frozen=True, slots=True)
class Row:
    """A worker as the page shows it: what it has in hand, and some of these tasks."""

    info: WorkerInfo
    in_hand: int
    running: Sequence[Task[Any]]

    @property
    def size(self) -> int:
        """How many tasks it runs at a time, as it was told last."""
        return self.info.wanted or self.info.concurrency

    @property
    def names(self) -> dict[int, str]:
        """What people call these tasks, by id."""
        return names_of(self.running)

    @property
    def word(self) -> str:
        """How it stands, as a status of the style sheet."""
        is_running = self.info.status is WorkerStatus.RUNNING
        if is_running and self.info.stop_requested_at:
            return "stopping"
        return "paused" if is_running and self.info.paused_at else self.info.status.value

    @property
    def more(self) -> int:
        """How many of its tasks are not named."""
        return max(0, self.in_hand - len(self.running))


@dataclass(frozen=True, slots=True)
class CrewRow:
    """A crew as the page shows it: what was set for it, and how many workers it has."""

    crew: Crew
    workers: int
    in_hand: int


@router.get("/workers")
def workers(
    request: Request,
    queue: Queue,
    _who: Reader,
    resize: Annotated[str, Query(max_length=200)] = "",
    crew: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """Those that live, those that ended last, and the crews."""
    rows = _rows(queue)
    alive = [row for row in rows if row.info.stopped_at is None]
    ended = sorted((row for row in rows if row.info.stopped_at), key=_ended_at, reverse=True)
    return show(
        request,
        "workers.html",
        alive=alive,
        ended=ended[:ENDED_SHOWN],
        ended_number=len(ended),
        crews=_crews(queue, alive),
        resized=next((row for row in alive if row.info.id == resize), None),
        resized_crew=crew,
    )


@router.post("/workers")
def act(
    acts: Acting,
    _who: Operator,
    act: Annotated[Literal["pause", "resume", "stop", "resize"], Form()],
    who: Annotated[str, Form(max_length=200, pattern=NO_NUL)],
    crew: Annotated[Literal["", "1"], Form()] = "",
    concurrency: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """Say something to a worker or a crew.

    Raises:
        WorkerNotFoundError: there is none.
        ConfigurationError: it cannot be of that size.
    """
    if act == "resize":
        acts.resize_worker(who, _size(concurrency), crew=bool(crew))
    else:
        _words(acts)[act](who, crew=bool(crew))
    return done("/workers", DID[act])


def _words(acts: Acts) -> dict[str, Any]:
    return {"pause": acts.pause_worker, "resume": acts.resume_worker, "stop": acts.stop_worker}


def _size(text: str) -> int | None:
    """Nothing stands for what it was started with."""
    if not text.strip():
        return None
    if not (text.isascii() and text.isdigit()):
        raise ConfigurationError("the size is a whole number", hint="Leave it empty to reset it.")
    return int(text)


def _rows(queue: TaskQueue) -> list[Row]:
    in_hand = queue.crews.running()
    running: dict[WorkerId | None, list[Task[Any]]] = {}
    for task in queue.insight.find(TaskQuery(status=Status.IN_PROGRESS), RUNNING_READ):
        running.setdefault(task.worker_id, []).append(task)
    return [
        Row(info, in_hand.get(info.id, 0), running.get(info.id, [])[:RUNNING_SHOWN])
        for info in queue.workers()
    ]


def _crews(queue: TaskQueue, alive: Sequence[Row]) -> list[CrewRow]:
    known = {crew.name: crew for crew in queue.crews.list()}
    names = {row.info.crew for row in alive if row.info.crew} | {*known}
    return [
        CrewRow(
            known.get(name, Crew(name=name)),
            sum(row.info.crew == name for row in alive),
            sum(row.in_hand for row in alive if row.info.crew == name),
        )
        for name in sorted(names)
    ]


def _ended_at(row: Row) -> datetime:
    return row.info.stopped_at or row.info.seen_at
