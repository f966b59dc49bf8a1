"""What futures of stored tasks promise beyond the standard library's: they outlive the program."""

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor, CancelledError
from pathlib import Path

import pytest

from jobrunner import TaskQueue, Worker
from jobrunner.core.errors import InvalidTaskError, PayloadError, TaskFailedError, TaskNotFoundError
from jobrunner.core.status import Status
from jobrunner.futures.future import DetachedError
from tests.databases import on_a_file
from tests.futures import functions as f
from tests.futures.functions import gates
from tests.runtime.support import PATIENCE, until

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_call_is_a_task_like_any_other(queue, executor):
    future = executor(1, priority=3).submit(f.add, 1, right=2)
    assert future.result(PATIENCE) == 3
    task = queue.get(future.task_id)
    assert (task.function, task.queue) == ("tests.futures.functions:add", "executor")
    assert (task.args, task.kwargs, task.priority) == ((1,), {"right": 2}, 3)
    assert (task.max_attempts, task.status, task.returned) == (1, Status.COMPLETED, 3)


def test_a_result_is_json_in_every_program_alike(executor):
    assert executor().submit(f.echo, (1, 2)).result(PATIENCE) == [1, 2]


class TestRestart:
    def test_what_has_not_ended_stays_and_is_attached_again(self, queue, executor):
        first = executor(1)
        running, waiting = (first.submit(f.wait_for, name, name) for name in "ab")
        assert gates["a runs"].wait(PATIENCE)
        gates["a"].set()  # it ends within the grace, or it runs again
        first.detach()
        with pytest.raises(DetachedError, match=f"task {waiting.task_id} here any more") as told:
            waiting.result()
        assert isinstance(told.value, BrokenExecutor)
        with pytest.raises(RuntimeError, match="cannot schedule new futures"):
            first.submit(f.echo)
        assert queue.get(waiting.task_id).status is Status.PENDING
        gates["b"].set()
        with executor(1, functions=[f.wait_for]) as second:
            again = second.attach(waiting.task_id)
            assert again.result(PATIENCE) == "b"
            assert second.attach(queue.get(running.task_id)).result(PATIENCE) == "a"

    def test_ctrl_c_in_a_block_waits_for_nothing_that_has_not_begun(self, queue, executor):
        futures = []

        def work():
            with executor(1) as first:
                futures.extend(first.submit(f.wait_for, name) for name in "ab")
                assert gates["a runs"].wait(PATIENCE)
                gates["a"].set()
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            work()
        assert futures[0].result() is None
        assert isinstance(futures[1].exception(), DetachedError)
        assert queue.get(futures[1].task_id).status is Status.PENDING

    @pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
    def test_a_task_that_has_ended_has_a_future_that_has(self, queue, executor, status):
        with executor(1) as first:
            call = {"completed": f.echo, "failed": f.complain, "cancelled": f.wait_for}[status]
            args = {"completed": [1], "failed": ["ValueError", "bad"], "cancelled": ["b"]}[status]
            blocked = first.submit(f.wait_for, "a")
            future = first.submit(call, *args)
            if status == "cancelled":
                future.cancel()
            gates["a"].set()
            blocked.result(PATIENCE)
        again = executor(1).attach(future.task_id)
        assert again.done()
        assert again.cancelled() == (status == "cancelled")
        if status == "completed":
            assert again.result() == 1

    def test_a_task_that_is_not_there_is_told(self, executor):
        with pytest.raises(TaskNotFoundError):
            executor(1).attach(99)

    def test_a_future_is_one_a_task(self, executor):
        one = executor(1)
        blocked = one.submit(f.wait_for, "a")
        assert one.attach(blocked.task_id) is blocked


PROGRAM = """
import os, signal, sys
from jobrunner import TaskQueue

def work(number):
    if number == 3 and not os.path.exists("killed"):
        open("killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number

if __name__ == "__main__":
    with TaskQueue(sys.argv[1]).executor(1, functions=[work]) as executor:
        known = [int(line) for line in open("ids")] if os.path.exists("ids") else []
        futures = [executor.attach(one) for one in known]
        if not known:
            futures = [executor.submit(work, n) for n in range(6)]
            with open("ids", "w") as ids:
                ids.writelines(f"{one.task_id}\\n" for one in futures)
        print([one.result() for one in futures])
"""


def test_futures_are_attached_after_a_kill(location, tmp_path):
    (tmp_path / "squares.py").write_text(PROGRAM)

    def run():
        return subprocess.run(
            [sys.executable, "-W", "error", "squares.py", location],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    (tmp_path / "ids").unlink(missing_ok=True)
    assert run().returncode == -signal.SIGKILL
    ran = run()
    assert ran.stdout == "[0, 1, 4, 9, 16, 25]\n", ran.stderr
    queue = TaskQueue(location)
    assert {one.function for one in queue.find()} == {"squares:work"}
    assert queue.counts()[Status.COMPLETED] == 6
    queue.close()


@on_a_file
def test_a_program_ends_without_waiting_for_its_tasks(location, tmp_path):
    program = """
import sys, threading
from jobrunner import TaskQueue

def block():
    threading.Event().wait()

if __name__ == "__main__":
    executor = TaskQueue(sys.argv[1]).executor(2)
    executor.submit(str, 1).result()
    executor.submit(print, end="", flush=True).result()
"""
    (tmp_path / "short.py").write_text(program)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "short.py", location],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    queue = TaskQueue(location)
    assert [one.status for one in queue.workers()] == ["stopped"]
    queue.close()


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


def test_a_call_is_made_again_if_it_is_to_be(executor):
    one = executor(1, max_attempts=2)
    assert one.submit(f.attempt).result(PATIENCE) == 2


@pytest.mark.parametrize("call", [lambda: 1, "x".upper, [].append, f.gates.forget])
def test_what_has_no_name_of_its_own_is_refused(executor, queue, call):
    with pytest.raises(InvalidTaskError, match="not at the top level of a module"):
        executor(1).submit(call)
    assert queue.find() == []


def test_what_is_not_json_is_refused_at_once(executor, queue):
    with pytest.raises(PayloadError):
        executor(1).submit(f.echo, object())
    assert queue.find() == []


def test_a_call_in_a_transaction_is_refused(executor, queue):
    one = executor(1)
    with queue.transaction(), pytest.raises(InvalidTaskError, match="in a transaction"):
        one.submit(f.echo)
    assert queue.find() == []


def test_very_many_are_stored_few_at_a_time(queue, executor):
    one = executor(2)
    results = one.map(f.echo, iter(range(1_000_000)), buffersize=3)
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    results.close()
    one.shutdown()
    assert sum(queue.counts().values()) == 8


@pytest.mark.parametrize("sizes", [{"chunksize": 0}, {"buffersize": 0}])
def test_sizes_without_a_meaning_are_refused(executor, sizes):
    with pytest.raises(ValueError, match="must be"):
        executor(1).map(f.echo, [1], **sizes)
