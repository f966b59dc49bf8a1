"""What a running function says and asks: progress, checkpoints, resume, stops."""

import threading

import pytest

from jobrunner import PayloadError, context
from jobrunner.core.errors import DatabaseError
from jobrunner.core.signals import Stopped, StopReason
from jobrunner.runtime.context import ResumeError
from jobrunner.runtime.running import SAVE_EVERY, OutsideTaskError, Running, enter
from tests.runtime import functions as f
from tests.runtime.support import FakeClock, outcomes, until


class Link:
    """One attempt's way to a database that is a list."""

    task_id, attempt = 7, 2

    def __init__(self):
        self.saved = []
        self.stored = None
        self.stop = None
        self.waiting = None
        self.trouble = False

    def save(self, values):
        if self.trouble:
            raise DatabaseError("the database is locked")
        self.saved.append(values)
        self.stored = values.get("checkpoint", self.stored)

    def later(self, values):
        self.waiting = values

    def load(self):
        return self.stored

    def stop_reason(self):
        return self.stop


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def link():
    return Link()


@pytest.fixture
def inside(link, clock):
    """Run a body as a running function would, in a thread of its own."""

    def run(body):
        results = []

        def call():
            enter(Running(link, clock))
            try:
                results.append(body())
            except BaseException as error:  # noqa: BLE001 — handed to the test
                results.append(error)

        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
        return results[0]

    return run


@pytest.mark.parametrize(
    "use",
    [
        lambda: context.task_id,
        lambda: context.attempt,
        lambda: context.stopping,
        context.check,
        lambda: context.progress(1),
        lambda: context.checkpoint(1),
        context.last_checkpoint,
        lambda: list(context.resume([1])),
    ],
    ids=["task_id", "attempt", "stopping", "check", "progress", "checkpoint", "last", "resume"],
)
def test_outside_of_a_task_every_use_is_an_error(use):
    with pytest.raises(OutsideTaskError):
        use()


def test_an_attempt_knows_itself(inside):
    assert inside(lambda: (context.task_id, context.attempt)) == (7, 2)


def test_at_most_two_reports_a_second_are_stored(inside, link, clock):
    def body():
        for done in range(100):
            context.progress(done, total=100)
            clock.later(SAVE_EVERY / 5)

    inside(body)
    assert [values["done"] for values in link.saved] == list(range(0, 100, 5))


def test_a_checkpoint_is_stored_when_it_returns_with_the_progress_before_it(inside, link):
    def body():
        context.progress(1)
        context.progress(2, note="two")
        assert len(link.saved) == 1
        context.checkpoint({"at": 2})
        return context.last_checkpoint()

    assert inside(body) == {"at": 2}
    assert link.saved[-1] == {"done": 2.0, "total": None, "note": "two", "checkpoint": '{"at":2}'}


def test_without_a_checkpoint_the_default_is_told(inside):
    assert inside(lambda: context.last_checkpoint("none yet")) == "none yet"


@pytest.mark.parametrize("value", [{1}, float("nan"), "\ud800", b"bytes"])
def test_a_checkpoint_that_is_no_json_is_refused(inside, link, value):
    assert isinstance(inside(lambda: context.checkpoint(value)), PayloadError)
    assert link.saved == []


@pytest.mark.parametrize("note", ["NUL \0", "\udcff", 5])
def test_a_note_that_is_no_text_is_refused(inside, link, note):
    assert isinstance(inside(lambda: context.progress(1, note=note)), PayloadError)
    assert link.saved == []


def test_a_stop_is_seen_and_ends_the_attempt_at_a_check(inside, link):
    assert inside(lambda: (context.stopping, context.check())) == (False, None)
    link.stop = StopReason.CANCEL
    assert inside(lambda: context.stopping)
    stopped = inside(context.check)
    assert isinstance(stopped, Stopped)
    assert stopped.reason is StopReason.CANCEL


def test_resume_begins_at_the_start_and_shows_progress(inside, link, clock):
    def body():
        return [clock.later(1) or item for item in context.resume("abc")]

    assert inside(body) == ["a", "b", "c"]
    assert [(v["done"], v["total"], v["checkpoint"]) for v in link.saved] == [
        (1, 3, "1"),
        (2, 3, "2"),
        (3, 3, "3"),
    ]


def test_resume_goes_on_where_it_stood(inside, link):
    link.stored = "2"
    assert inside(lambda: list(context.resume("abcd"))) == ["c", "d"]


def test_resume_of_what_was_done_is_over(inside, link):
    link.stored = "4"
    assert inside(lambda: list(context.resume("abcd"))) == []


def test_resume_ends_between_two_items_on_a_stop(inside, link):
    seen = []

    def body():
        for item in context.resume("abcd"):
            seen.append(item)
            if item == "b":
                link.stop = StopReason.SHUTDOWN

    assert isinstance(inside(body), Stopped)
    assert seen == ["a", "b"]


@pytest.mark.parametrize("stored", ['{"at":1}', '"2"', "true", "-1", "1.5"])
def test_resume_refuses_a_checkpoint_that_is_no_position(inside, link, stored):
    link.stored = stored
    assert isinstance(inside(lambda: list(context.resume("abc"))), ResumeError)


def test_an_attempt_that_breaks_down_is_resumed_by_the_next(queue, drain):
    task = queue.enqueue(f.count_up.bind(20, 12))
    drain()
    assert outcomes(queue, task.id) == ["failed", "completed"]
    assert task.result() == 12
    assert queue.get(task.id).progress.done == 20


def test_a_checkpoint_is_durable_when_it_returns(queue, start_worker):
    """Another connection sees it while the attempt still runs."""
    task = queue.enqueue(f.save_forever.bind())
    worker = start_worker(kill_grace=0.1)
    from jobrunner.storage import progress

    def stored():
        with queue.database.reading() as transaction:
            return progress.checkpoint(transaction, task.id)

    assert until(queue, stored) == '"still here"'
    worker.stop_at_once()


def test_progress_that_cannot_be_stored_does_not_fail_the_task_and_comes_with_the_next(
    inside, link, clock
):
    def body():
        link.trouble = True
        context.progress(1, total=9)
        link.trouble = False
        clock.later(SAVE_EVERY)
        context.progress(2)

    assert inside(body) is None
    assert [values["done"] for values in link.saved] == [2.0]


def test_a_checkpoint_that_cannot_be_stored_is_an_error_of_the_task(inside, link):
    link.trouble = True
    assert isinstance(inside(lambda: context.checkpoint(1)), DatabaseError)
