"""Whatever a field holds, it is stored and read back unchanged, or refused by name."""

from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core.errors import InvalidTaskError, PayloadError
from jobrunner.core.new_task import NewTask
from jobrunner.storage import progress, workers
from tests.corpus import TEXTS, VALUES

ANYTHING = {**TEXTS, **VALUES}
WORK = {"function": "work"}

# How a value gets into a task, and how it is read back.
PLACES = {
    "function": (lambda value: {"function": value}, lambda task: task.function),
    "program": (lambda value: {"command": [value]}, lambda task: task.command[0]),
    "word": (lambda value: {"command": ["echo", value]}, lambda task: task.command[1]),
    "cwd": (lambda value: WORK | {"cwd": value}, lambda task: task.cwd),
    "folder": (
        lambda value: WORK | {"cwd": f"/{value}" if isinstance(value, str) else value},
        lambda task: task.cwd[1:],
    ),
    "queue": (lambda value: WORK | {"queue": value}, lambda task: task.queue),
    "description": (lambda value: WORK | {"description": value}, lambda task: task.description),
    "args": (lambda value: WORK | {"args": value}, lambda task: list(task.args)),
    "argument": (lambda value: WORK | {"args": [value]}, lambda task: task.args[0]),
    "inner argument": (lambda v: WORK | {"args": [{"x": [v]}]}, lambda task: task.args[0]["x"][0]),
    "kwargs": (lambda value: WORK | {"kwargs": value}, lambda task: task.kwargs),
    "keyword": (lambda value: WORK | {"kwargs": {value: 1}}, lambda task: next(iter(task.kwargs))),
    "named argument": (lambda value: WORK | {"kwargs": {"x": value}}, lambda t: t.kwargs["x"]),
    "priority": (lambda value: WORK | {"priority": value}, lambda task: task.priority),
    "attempts": (lambda value: WORK | {"max_attempts": value}, lambda task: task.max_attempts),
    "delay": (lambda value: WORK | {"delay": value}, lambda task: None),
    "timeout": (lambda value: WORK | {"timeout": value}, lambda task: task.timeout),
    "run_at": (lambda value: WORK | {"run_at": value}, lambda task: task.run_at),
    "after": (lambda value: WORK | {"after": value}, lambda task: list(task.after)),
    "parent": (lambda value: WORK | {"after": [value]}, lambda task: task.after[0]),
    "any parent": (lambda value: WORK | {"after_any": [value]}, lambda task: task.after[0]),
}
TAKES_NONE = {
    *("priority", "attempts", "delay", "timeout", "run_at", "after", "parent", "any parent"),
}
"""Nothing of the corpus is a right value for these."""


@pytest.mark.parametrize("place", PLACES)
def test_a_field_is_stored_unchanged_or_refused(store, place):
    fields, read = PLACES[place]
    stored = 0
    for name, value in ANYTHING.items():
        before = len(store.everything()[0])
        refusal, task_id = None, None
        try:
            _, task_id = store.enqueue(NewTask(function="good"), NewTask(**fields(value)))
        except (InvalidTaskError, TypeError) as error:
            refusal = error
        if refusal is None:
            assert same(read(store.get(task_id)), value), name
            stored += 1
            continue
        assert len(str(refusal)) < 1_000, f"{name} is told at length"
        assert len(store.everything()[0]) == before, f"{name} was stored by half"
        if isinstance(refusal, TypeError):  # Python's own: it can be no key of a mapping
            assert place == "keyword", name
    assert bool(stored) is (place not in TAKES_NONE)


def same(found, value):
    """Equal, and `True` is not 1. JSON has text for keys: another key comes back as text."""
    if value == VALUES["a number for a key"]:
        return found == {"1": 2}
    return found == value and isinstance(value, type(found))


@pytest.mark.parametrize(
    "moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_the_first_and_the_last_moment_come_back(store, moment):
    task = store.get(store.add(run_at=moment))
    assert task.run_at == max(moment, store.now)


def test_the_longest_waits_are_stored(store):
    longest = timedelta(days=36_500)
    task = store.get(store.add(delay=longest, timeout=longest, run_at=store.now + longest))
    assert (task.run_at, task.timeout) == (store.now + longest, longest)


def is_storable(text):
    """Whether both databases can hold it: see `perform.storable`."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


@pytest.mark.parametrize("name", TEXTS)
def test_a_workers_queues_and_its_death_are_told_as_they_are(store, name):
    text = TEXTS[name]
    try:
        store.worker("bob", queues=(text,), executor="thread")
    except PayloadError:
        assert [worker.id for worker in store.read(workers.every)] == ["ada"]
        return
    found = store.read(workers.every)[-1]
    assert (found.id, found.queues) == ("bob", (text,))


@pytest.mark.parametrize("name", [name for name in TEXTS if is_storable(TEXTS[name])])
def test_what_the_runtime_lets_through_is_stored_as_it_is(store, name):
    """No check stands here: the runtime has made it storable."""
    text = TEXTS[name]
    lease = store.claim_one() if store.add() else None
    values = {"done": 1.0, "note": text, "checkpoint": text}
    assert store.write(progress.save, lease.task_id, lease.token, now=store.now, **values)
    assert store.get(lease.task_id).progress.note == text
    assert store.read(progress.checkpoint, lease.task_id) == text
