"""Acts on many tasks: first the question with their number, then the act, then what came of it."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from jobrunner.core.bulk import FITTING, Act, BulkFilter, Done
from jobrunner.core.errors import ConfigurationError, InvalidTaskError
from jobrunner.core.status import Status
from jobrunner.core.visible import visible
from jobrunner.storage import reads
from jobrunner.task_queue import TaskQueue
from jobrunner.web.acts import Acting
from jobrunner.web.identity import Operator
from jobrunner.web.pages import view
from jobrunner.web.pages.allowed import allowed
from jobrunner.web.pages.filters import Filter
from jobrunner.web.pages.forms import Form, Sent
from jobrunner.web.pages.shown import names_of
from jobrunner.web.serving import Queue

router = APIRouter()

DONE: Final = {Act.RETRY: "retried", Act.CANCEL: "cancelled", Act.DELETE: "deleted"}

LISTED: Final = 20
"""So many of those that were chosen are named in the question."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done to which tasks. `number` is how many it fits, `left` the others."""

    act: Act
    asked: Filter
    ids: tuple[int, ...]
    number: int
    left: int
    names: dict[int, str]
    wanted: BulkFilter

    @property
    def question(self) -> str:
        """What people are asked before it is done."""
        status = "" if self.ids else _word(self.act, self.asked.query.status)
        noun = "task" if self.number == 1 else "tasks"
        return f"{self.act.value.capitalize()} {self.number:,} {status}{noun}?"


@router.post("/tasks/many")
def act_on_many(
    request: Request, queue: Queue, acts: Acting, sent: Sent, _who: Operator
) -> Response:
    """Ask, with `act` and the filter or the ids; with `confirmed` too, do it and tell.

    Raises:
        ConfigurationError: no task was chosen, or the filter means nothing.
    """
    order = _order(queue, sent)
    known: dict[str, Any] = {"order": order, **allowed(request)}
    if not sent.text("confirmed"):
        return view.render(request, "tasks_ask.html", **known)
    done = acts.bulk(order.act, **order.wanted)
    known |= {"done": done, "told": told(done, order.act)}
    return view.render(request, "tasks_done.html", code=_code(done), **known)


def told(done: Done, act: Act) -> str:
    """What came of it, in a sentence."""
    noun = "task was" if done.done == 1 else "tasks were"
    text = f"{done.done:,} {noun} {DONE[act]}"
    return f"{text}; {done.refused_count:,} could not be." if done.refused_count else f"{text}."


def _code(done: Done) -> int:
    return HTTPStatus.CONFLICT if done.refused_count and not done.done else HTTPStatus.OK


def _order(queue: TaskQueue, sent: Form) -> Order:
    act, scope = _act(sent.text("act"))
    asked = Filter.read(sent.texts, queue.clock.now())
    if asked.problems:
        raise ConfigurationError("; ".join(asked.problems), hint="Mend the filter.")
    if scope == "all":
        wanted = asked.wanted()
        number = queue.bulk.count(act, **wanted)
        return Order(act, asked, (), number, 0, {}, wanted)
    ids = tuple(dict.fromkeys(sent.ids))
    if not ids:
        raise ConfigurationError("no task was chosen", hint="Go back and tick some.")
    found: list[Any] = queue.store.read(reads.get_many, ids, source=queue)
    fitting = [task for task in found if task.status in FITTING[act]]
    names = names_of(fitting[:LISTED])
    return Order(act, asked, ids, len(fitting), len(ids) - len(fitting), names, {"ids": ids})


def _act(text: str) -> tuple[Act, str]:
    """`retry chosen` or `retry all`.

    Raises:
        InvalidTaskError: it is neither.
    """
    word, _, scope = text.partition(" ")
    if word not in [*Act] or scope not in ("chosen", "all"):
        raise InvalidTaskError(f"there is no act {visible(text[:40])!r}", field="act")
    return Act(word), scope


def _word(act: Act, status: Status | None) -> str:
    if status is not None:
        return f"{status.label.lower()} "
    return {Act.RETRY: "failed ", Act.CANCEL: "unfinished ", Act.DELETE: "ended "}[act]
