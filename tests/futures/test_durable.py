"""What futures of stored tasks promise beyond the standard library's: they outlive the program."""

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from jobrunner import TaskQueue
from jobrunner.core.errors import TaskNotFoundError
from jobrunner.core.status import Status
from jobrunner.futures import DetachedError
from tests.databases import on_a_file
from tests.futures import functions as f
from tests.futures.functions import gates
from tests.runtime.support import PATIENCE

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
import os, signal, sys, time
from contextlib import closing
from pathlib import Path
from jobrunner import TaskQueue

def work(number):
    if number == 3 and not Path("killed").exists():
        while not Path("ids").exists():
            time.sleep(0.01)
        Path("killed").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number

if __name__ == "__main__":
    ids = Path("ids")
    with closing(TaskQueue(sys.argv[1])) as queue:
        with queue.executor(1, functions=[work]) as executor:
            if ids.exists():
                futures = [executor.attach(int(one)) for one in ids.read_text().split()]
            else:
                futures = [executor.submit(work, n) for n in range(6)]
                Path("new").write_text(" ".join(str(one.task_id) for one in futures))
                Path("new").rename(ids)  # whole, or not there
            Path("results").write_text(str([one.result() for one in futures]))
"""


def test_futures_are_attached_after_a_kill(location, tmp_path):
    (tmp_path / "squares.py").write_text(PROGRAM)
    assert run(tmp_path, "squares.py", location)[0] == -signal.SIGKILL
    code, said = run(tmp_path, "squares.py", location)
    assert code == 0, said
    assert (tmp_path / "results").read_text() == "[0, 1, 4, 9, 16, 25]"
    queue = TaskQueue(location)
    assert {one.function for one in queue.find()} == {"squares:work"}
    assert queue.counts()[Status.COMPLETED] == 6
    queue.close()


@on_a_file
def test_a_program_ends_without_waiting_for_its_tasks(location, tmp_path):
    program = """
import sys
from jobrunner import TaskQueue

if __name__ == "__main__":
    executor = TaskQueue(sys.argv[1]).executor(1)
    executor.map(str, range(3_000))
    executor.submit(str, 1)
"""
    (tmp_path / "short.py").write_text(program)
    assert run(tmp_path, "short.py", location) == (0, "")
    queue = TaskQueue(location)
    assert [one.status for one in queue.workers()] == ["stopped"]
    assert queue.counts()[Status.PENDING] > 0
    assert queue.counts()[Status.IN_PROGRESS] == 0
    queue.close()


def run(folder, *program):
    """Run a program; how it ended, and what it said."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", *program],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return ran.returncode, ran.stdout + ran.stderr
