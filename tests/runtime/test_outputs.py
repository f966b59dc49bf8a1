"""What a running attempt writes and reports is stored while it runs, if that takes a while."""

import threading
from contextlib import contextmanager

import pytest

from jobrunner.core.errors import LeaseLostError
from jobrunner.core.outcome import Completed
from jobrunner.core.status import Status
from jobrunner.core.written import Stream
from jobrunner.runtime import outputs
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.executors.thread import DatabaseLink
from jobrunner.runtime.kept import ROUNDS
from jobrunner.runtime.outputs import Outputs
from jobrunner.storage import progress
from tests.databases import on_a_file, on_a_server
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, FakeClock, until
from tests.runtime.test_attempt import LEASE, Control


def test_what_is_stored_while_an_attempt_ends_does_not_stay():
    ends = []
    attempt = Attempt(LEASE, clock=FakeClock(), on_end=lambda _, ended: ends.append(ended))
    attempt.begin(Control())
    assert attempt.so_far() is None
    attempt.write(Stream.STDOUT, "x")
    assert attempt.so_far() == ("x", "")
    attempt.write(Stream.STDERR, "y")
    attempt.end(Completed())
    assert attempt.so_far() is None
    (ended,) = ends
    assert (ended.output.stdout, ended.output.stderr) == ("x", "y")
    assert ended.output.is_live
    attempt.write(Stream.STDOUT, "late")
    assert ended.output.stdout == "x"


@on_a_file
def test_an_attempt_that_ends_soon_is_not_stored_on_its_own(queue):
    ends = []
    kept = Outputs(queue.database, queue.clock)
    kept.close()  # its looks are made here
    attempt = Attempt(LEASE, clock=FakeClock(), on_end=lambda _, ended: ends.append(ended))
    attempt.outputs = kept
    attempt.begin(Control())
    attempt.write(Stream.STDOUT, "x")
    for _ in range(ROUNDS - 1):
        kept._store_written()
    attempt.end(Completed())
    assert not ends[0].output.is_live
    kept._store_written()
    assert kept._writing == {}


@pytest.mark.parametrize("executor", ["thread", "process", "async"])
def test_a_report_that_none_follows_is_seen_while_the_task_goes_on(
    queue, start_worker, tmp_path, executor, monkeypatch
):
    monkeypatch.setattr(outputs, "LOOK_EVERY", 0.02)
    function = f.report_in_a_row_async if executor == "async" else f.report_in_a_row
    task = queue.enqueue(function.bind(str(tmp_path)))
    worker = start_worker(executor=executor)
    until(queue, lambda: str(queue.get(task.id).progress) == "2/3 (67%) and a last time")
    assert queue.get(task.id).status is Status.IN_PROGRESS
    (tmp_path / "go").touch()
    worker.stop()
    assert queue.get(task.id).progress.done == 2


@pytest.fixture
def reports(queue, monkeypatch):
    """What stores reports, whose looks are made by the test; and what it has stored."""
    saved = []
    monkeypatch.setattr(progress, "save", lambda *_, **values: saved.append(values["done"]))
    queue.enqueue(f.add.bind(1, 2))  # task 1, whose lease is LEASE
    queue.database.reserve.keep()
    kept = Outputs(queue.database, queue.clock)
    kept.close()
    return kept, saved


@pytest.fixture
def attempt(reports):
    attempt = Attempt(LEASE, clock=FakeClock(), on_end=lambda *_: None)
    attempt.outputs, _ = reports
    attempt.begin(Control())
    return attempt


def test_of_reports_in_a_row_the_last_is_stored_and_once(reports, attempt):
    kept, saved = reports
    for done in range(5):
        attempt.later({"done": done})
        kept._store_reports()
    assert saved == []
    for _ in range(ROUNDS):
        kept._store_reports()
    assert saved == [4]


def test_what_an_attempt_stores_itself_is_never_undone(queue, reports, attempt, monkeypatch):
    kept, saved = reports
    begun = queue.database.writing

    @contextmanager
    def writing(_):
        with begun() as transaction:
            attempt.later({})  # it stored something while this waited for its turn
            yield transaction

    attempt.later({"done": 1})
    monkeypatch.setattr(type(queue.database), "writing", writing)
    for _ in range(ROUNDS):
        kept._store_reports()
    assert saved == []


def test_what_is_stored_at_once_takes_the_place_of_a_report(queue, reports, attempt):
    kept, saved = reports
    attempt.later({"done": 1})
    with pytest.raises(LeaseLostError):
        DatabaseLink(attempt, queue.database, queue.clock).save({"done": 2})
    for _ in range(ROUNDS):
        kept._store_reports()
    assert saved == [2]


def test_what_is_over_reports_no_more(reports, attempt):
    kept, saved = reports
    attempt.later({"done": 1})
    attempt.end(Completed())
    for _ in range(ROUNDS):
        kept._store_reports()
    assert saved == []
    assert kept._reports == {}


@on_a_server
def test_what_somebody_else_has_locked_is_not_waited_for(queue, reports, attempt):
    kept, saved = reports
    other = queue.enqueue(f.add.bind(3, 4))
    second = Attempt(LEASE._replace(task_id=other.id), clock=FakeClock(), on_end=lambda *_: None)
    second.outputs = kept
    second.begin(Control())
    attempt.later({"done": 1})
    second.later({"done": 2})
    with queue.database.writing() as transaction:
        transaction.exec_driver_sql("SELECT 1 FROM tasks WHERE id = 1 FOR NO KEY UPDATE")
        in_vain = threading.Thread(target=lambda: [kept._store_reports() for _ in range(ROUNDS)])
        in_vain.start()
        in_vain.join(PATIENCE)
        assert not in_vain.is_alive()
        assert saved == [2]
    kept._store_reports()
    assert saved == [2, 1]
