"""Which functions an executor's workers run: text in a row has nothing imported or called."""

import sys

import pytest

from jobrunner import NewTask
from jobrunner.core.errors import InvalidTaskError, UnknownFunctionError
from jobrunner.core.events import WorkerTrouble
from jobrunner.core.status import Status
from tests.databases import on_a_file
from tests.futures import functions as f
from tests.futures.functions import gates
from tests.runtime.support import PATIENCE, until

TRAP = "tests.futures.trap"


def stored(queue, function, *args):
    """A task as somebody else may have stored it."""
    return queue.enqueue(NewTask(function=function, args=args, queue="executor"))


class TestRule:
    @pytest.mark.parametrize("allow", [(), ("tests.futures.tr", "tests.futures.functions")])
    def test_a_module_that_was_not_allowed_is_not_imported(self, queue, executor, events, allow):
        sys.modules.pop(TRAP, None)
        task = stored(queue, f"{TRAP}:spring")
        executor(1, allow=allow).submit(f.echo).result(PATIENCE)
        told = events.wait(WorkerTrouble)
        assert f"{TRAP}:spring" in told.problem
        assert "wait for a worker that knows it" in told.problem
        until(queue, lambda: queue.get(task.id).status is Status.SCHEDULED)
        assert TRAP not in sys.modules
        assert queue.get(task.id).attempt == 0

    @on_a_file
    @pytest.mark.parametrize("allow", [TRAP, "tests.futures", "tests"])
    def test_a_module_that_was_allowed_is(self, queue, executor, allow):
        task = stored(queue, f"{TRAP}:spring")
        assert executor(1, allow=[allow]).attach(task).result(PATIENCE) == "sprung"

    @on_a_file
    @pytest.mark.parametrize(
        "name", ["functions:getpid", "functions:os.getpid", "functions:gates.forget", "gone:x", ":"]
    )
    def test_nothing_is_called_but_what_an_allowed_module_defines(self, queue, executor, name):
        task = stored(queue, f"tests.futures.{name}")
        with pytest.raises(UnknownFunctionError) as told:
            executor(1, allow=["tests.futures"]).attach(task)
        assert "functions=[…]" in told.value.hint
        assert queue.get(task.id).status is Status.PENDING

    def test_what_was_given_or_submitted_is_known(self, queue, executor):
        tasks = [stored(queue, f"tests.futures.functions:{name}", 1) for name in ("echo", "add")]
        one = executor(1, functions=[f.echo])
        assert one.attach(tasks[0]).result(PATIENCE) == 1
        with pytest.raises(UnknownFunctionError):
            one.attach(tasks[1])


@on_a_file
class TestRegistered:
    def test_a_function_of_the_queue_keeps_its_name_and_options(self, queue, executor):
        known = queue.task(name="sum", max_attempts=4, priority=2, queue="sums")(f.add)
        with executor(1) as one:
            futures = [one.submit(known, 1, 2), one.submit(known.using(priority=7), 3, 4)]
            assert [future.result(PATIENCE) for future in futures] == [3, 7]
        tasks = [queue.get(future.task_id) for future in futures]
        assert {(task.function, task.max_attempts, task.queue) for task in tasks} == {
            ("sum", 4, "executor")
        }
        assert [task.priority for task in tasks] == [2, 7]

    def test_its_hooks_are_called(self, queue, executor):
        seen = []
        queue.before_attempt(lambda info: seen.append(info.function))
        assert executor(1).submit(queue.task(f.add), 1, 2).result(PATIENCE) == 3
        assert seen == ["add"]

    def test_the_queue_need_not_know_what_is_submitted(self, queue, executor):
        queue.task(f.add)
        assert executor(1).submit(f.echo, 1).result(PATIENCE) == 1
        with pytest.raises(UnknownFunctionError):
            queue.enqueue(NewTask(function="tests.futures.functions:echo"))


@on_a_file
class TestWhere:
    def test_a_coroutine_is_awaited(self, executor):
        one = executor(2, executor="async")
        assert one.submit(f.echo_async, 1).result(PATIENCE) == 1
        with pytest.raises(f.OwnError, match="x"):
            one.submit(f.complain_async, "x").result(PATIENCE)

    def test_processes_run_plain_and_registered_functions(self, queue, executor):
        one = executor(1, executor="process")
        futures = [one.submit(f.process_id), one.submit(f.complain, "ValueError", "bad")]
        assert futures[0].result(PATIENCE) != f.process_id()
        with pytest.raises(ValueError, match="bad") as told:
            futures[1].result(PATIENCE)
        assert told.value.__cause__.task_id == futures[1].task_id

    def test_threads_are_the_workers_own(self, executor):
        assert "jobrunner" in executor(1).submit(f.thread_name).result(PATIENCE)

    def test_an_executor_serves_its_own_queue_only(self, queue, executor):
        other = queue.enqueue_command(["true"])
        with executor(2, queue="mine") as one:
            future = one.submit(f.echo, 1)
            assert future.result(PATIENCE) == 1
        assert queue.get(future.task_id).queue == "mine"
        assert queue.get(other.id).status is Status.PENDING


@on_a_file
@pytest.mark.parametrize(
    "options", [{"queue": "jobrunner.hooks"}, {"max_attempts": 0}, {"functions": [lambda: 1]}]
)
def test_options_without_a_meaning_are_refused_at_once(executor, options):
    with pytest.raises(InvalidTaskError):
        executor(1, **options)


@on_a_file
def test_a_function_that_is_defined_anew_is_run_as_it_is_now(executor, monkeypatch):
    one = executor(1)
    assert one.submit(f.echo, 1).result(PATIENCE) == 1

    def echo(value):
        return value + 1

    echo.__module__, echo.__qualname__ = f.echo.__module__, "echo"
    monkeypatch.setattr(f, "echo", echo)
    assert one.submit(f.echo, 1).result(PATIENCE) == 2
    assert gates is f.gates
