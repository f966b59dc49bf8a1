"""How stored tasks tell their futures of errors and of others' acts, and what is refused."""

from concurrent.futures import CancelledError

import pytest

from jobrunner import Worker
from jobrunner.core.errors import InvalidTaskError, PayloadError, TaskFailedError, TaskNotFoundError
from jobrunner.futures import DetachedError
from tests.databases import on_a_file
from tests.futures import functions as f
from tests.futures.functions import gates
from tests.runtime.support import PATIENCE, until


@on_a_file
class TestErrors:
    """Of a task that ran elsewhere, only the one line is there that is stored of its error."""

    def failed(self, executor, *args):
        with executor(1) as first:
            task_id = first.submit(f.complain, *args).task_id
        return executor(1).attach(task_id).exception()

    def test_a_built_in_error_comes_back_with_the_task_as_its_cause(self, executor):
        error = self.failed(executor, "ValueError", "bad")
        assert (type(error), error.args) == (ValueError, ("bad",))
        assert isinstance(error.__cause__, TaskFailedError)
        assert error.__cause__.error == "ValueError: bad"

    def test_the_traceback_that_is_stored_begins_with_the_users_code(self, queue, executor):
        self.failed(executor, "ValueError", "bad")
        ((attempt,),) = (queue.history(task.id) for task in queue.find())
        assert attempt.traceback.splitlines()[1].endswith("in complain")

    def test_a_missing_key_is_the_key(self, executor):
        error = self.failed(executor, "KeyError", "k")
        assert (type(error), error.args) == (KeyError, ("k",))

    def test_any_other_is_a_failed_task(self, executor):
        error = self.failed(executor, "OwnError", "x")
        assert (type(error), error.error) == (TaskFailedError, "OwnError: x")


class TestElsewhere:
    def test_other_workers_run_what_is_only_stored(self, queue, executor):
        known = queue.task(f.add)
        future = executor(0).submit(known, 1, 2)
        assert queue.get(future.task_id).queue == "default"
        Worker(queue, concurrency=1).run(until_empty=True)
        assert future.result(PATIENCE) == 3

    def test_a_cancel_elsewhere_is_seen(self, queue, executor):
        one = executor(1)
        running, waiting = (one.submit(f.wait_for, name) for name in "ab")
        assert gates["a runs"].wait(PATIENCE)
        queue.cancel(waiting.task_id)
        until(queue, waiting.cancelled)
        queue.cancel(running.task_id)
        gates["a"].set()
        assert running.exception(PATIENCE) is None  # it ended by itself before it was stopped

    def test_a_deleted_task_is_told(self, queue, executor):
        one = executor(1)
        running, waiting = (one.submit(f.wait_for, name) for name in "ab")
        assert gates["a runs"].wait(PATIENCE)
        queue.bulk.delete(ids=[waiting.task_id])
        assert isinstance(waiting.exception(PATIENCE), TaskNotFoundError)
        gates["a"].set()
        running.result(PATIENCE)

    def test_a_worker_that_breaks_breaks_the_executor(self, queue, executor, monkeypatch):
        one = executor(1)

        def break_down(_worker):
            raise OSError("no more threads")

        monkeypatch.setattr(Worker, "run", break_down)
        future = one.submit(f.echo)
        with pytest.raises(DetachedError, match="no more threads"):
            future.result(PATIENCE)
        with pytest.raises(RuntimeError, match="cannot schedule new futures after its end"):
            one.submit(f.echo)


def test_a_future_among_the_arguments_stands_for_its_result(executor):
    with executor(2) as one:
        total = one.submit(f.add, one.submit(f.echo, 1), right=one.submit(f.echo, 2))
        assert total.result(PATIENCE) == 3
        bad = one.submit(f.fail_at, "bad")
        hopeless = one.submit(f.echo, bad)
        gates["bad"].set()
        with pytest.raises(CancelledError):
            hopeless.result(PATIENCE)


@on_a_file
def test_a_call_is_made_again_if_it_is_to_be(executor):
    one = executor(1, max_attempts=2)
    assert one.submit(f.attempt).result(PATIENCE) == 2


@on_a_file
@pytest.mark.parametrize("call", [lambda: 1, "x".upper, [].append, f.gates.forget])
def test_what_has_no_name_of_its_own_is_refused(executor, queue, call):
    with pytest.raises(InvalidTaskError, match="not at the top level of a module"):
        executor(1).submit(call)
    assert queue.find() == []


@on_a_file
def test_what_is_not_json_is_refused_at_once(executor, queue):
    with pytest.raises(PayloadError):
        executor(1).submit(f.echo, object())
    assert queue.find() == []


def test_a_call_in_a_transaction_is_refused(executor, queue):
    one = executor(1)
    with queue.transaction(), pytest.raises(InvalidTaskError, match="in a transaction"):
        one.submit(f.echo)
    assert queue.find() == []


@on_a_file
def test_very_many_are_stored_few_at_a_time(queue, executor):
    one = executor(2)
    results = one.map(f.echo, iter(range(1_000_000)), buffersize=3)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    one.shutdown()
    assert sum(queue.counts().values()) == 8


@on_a_file
@pytest.mark.parametrize("sizes", [{"chunksize": 0}, {"buffersize": 0}])
def test_sizes_without_a_meaning_are_refused(executor, sizes):
    with pytest.raises(ValueError, match="must be"):
        executor(1).map(f.echo, [1], **sizes)
