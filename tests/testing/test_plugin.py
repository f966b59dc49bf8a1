"""The pytest plugin: its fixtures work, and it costs a run that does not use it next to nothing."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent.parent

APPLICATION = """
from jobrunner import TaskQueue

queue = TaskQueue("production.db")

@queue.task
def add(a, b):
    return a + b
"""


@pytest.fixture
def run(pytester):
    """Run tests of an application, whether or not the plugin is registered for this run."""
    pytester.makepyfile(app=APPLICATION)
    pytester.syspathinsert(ROOT)

    def run(tests):
        pytester.makepyfile(tests)
        return pytester.runpytest_subprocess(
            "-p", "no:jobrunner", "-p", "jobrunner.testing.plugin", "-W", "error"
        )

    return run


def test_it_is_registered_with_pytest():
    (plugin,) = entry_points(group="pytest11", name="jobrunner")
    assert plugin.value == "jobrunner.testing.plugin"


def test_a_run_of_pytest_finds_it_by_itself(pytester):
    listed = pytester.runpytest_subprocess("--fixtures")
    listed.stdout.fnmatch_lines(["*fixtures defined from jobrunner.testing.plugin*"])
    for name in ("jobrunner_clock", "jobrunner_queue", "jobrunner_isolate"):
        listed.stdout.fnmatch_lines([f"{name} *"])


def test_it_imports_nothing_of_weight():
    program = "import sys, pytest; before = set(sys.modules); import jobrunner.testing.plugin; "
    program += "print(*sorted(set(sys.modules) - before))"
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.split() == [
        "jobrunner",
        "jobrunner._version",
        "jobrunner.testing",
        "jobrunner.testing.plugin",
    ]


def test_the_queue_is_fresh_and_goes_by_the_clock(run):
    result = run(
        """
        import pytest
        from jobrunner.testing import drain

        @pytest.mark.parametrize("number", [1, 2])
        def test_it(jobrunner_queue, jobrunner_clock, number):
            @jobrunner_queue.task
            def double(n):
                return 2 * n

            task = double.using(delay=60).enqueue(number)
            assert task.id == 1
            drain(jobrunner_queue, with_scheduled=True)
            assert task.result() == 2 * number
            assert jobrunner_clock.monotonic() == 60
        """
    )
    result.assert_outcomes(passed=2)


def test_the_queue_is_closed_at_the_end(run):
    result = run(
        """
        import gc, os

        def opened():
            return [name for name in map(os.readlink, links()) if "jobrunner-queue.db" in name]

        def links():
            gc.collect()
            for number in os.listdir("/dev/fd"):
                if os.path.islink(f"/dev/fd/{number}") and os.path.exists(f"/dev/fd/{number}"):
                    yield f"/dev/fd/{number}"

        def test_it(jobrunner_queue):
            assert jobrunner_queue.find() == []
            assert opened()

        def test_afterwards():
            assert not opened()
        """
    )
    result.assert_outcomes(passed=2)


def test_an_applications_queue_is_isolated_for_one_test(run, pytester):
    result = run(
        """
        import app
        import pytest
        from jobrunner.testing import drain

        @pytest.fixture(autouse=True)
        def queue(jobrunner_isolate):
            return jobrunner_isolate(app.queue)

        def test_one(queue, jobrunner_clock):
            assert app.add.enqueue(1, 2).id == 1
            assert queue.clock is jobrunner_clock
            assert drain(queue).tasks[0].returned == 3

        def test_two():
            assert app.add.enqueue(1, 2).id == 1
        """
    )
    result.assert_outcomes(passed=2)
    assert not (pytester.path / "production.db").exists()


def test_a_failed_assertion_shows_what_there_is_and_none_of_our_frames(run):
    result = run(
        """
        from jobrunner.testing import assert_enqueued

        def test_it(jobrunner_queue):
            jobrunner_queue.enqueue_command(["true"])
            assert_enqueued(jobrunner_queue, command=["false"])
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*no task with command=('false',); enqueued:", "*task 1*['true']*"]
    )
    result.stdout.no_fnmatch_line("*assertions.py*")


def test_a_tasks_error_shows_its_own_lines(run):
    result = run(
        """
        from jobrunner.testing import drain

        def test_it(jobrunner_queue):
            @jobrunner_queue.task
            def fail():
                raise ValueError("in the task")

            fail.enqueue()
            drain(jobrunner_queue)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ['>*raise ValueError("in the task")', "*ValueError: in the task", "*in task 1, fail, att*"]
    )
