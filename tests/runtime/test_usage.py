"""What attempts take is stored with them, and children that have grown are replaced."""

import os
import subprocess
import sys

import pytest

from jobrunner import NewTask
from jobrunner.core.errors import ConfigurationError
from jobrunner.runtime import usage
from jobrunner.runtime.options import WorkerOptions
from jobrunner.runtime.usage import MeasuredProcess, Meter
from jobrunner.storage import kernel
from tests.runtime import functions as f

MIB = 1 << 20
BURN = "import time; [None for _ in iter(lambda: time.process_time() < 0.15, False)]"
HOLD = "import time; x = bytearray({} << 20); time.sleep({})"  # to be there when it is looked at


def python(program):
    return NewTask(command=[sys.executable, "-S", "-c", program], max_attempts=1)


@pytest.fixture
def took(queue, drain):
    """Run one task to its end; what its last attempt took."""

    def took(new, **settings):
        task = queue.enqueue(new)
        drain(**settings)
        (one,) = queue.history(task.id)
        assert one.outcome == "completed", one.error
        return one

    return took


def test_a_command_tells_its_cpu(took):
    assert 0.1 < took(python(BURN)).cpu_s < 5


def test_a_command_that_had_more_than_its_worker_tells_its_peak(took):
    more = usage._peak(usage.resource.RUSAGE_SELF) // MIB + 64
    assert took(python(HOLD.format(more, 0))).peak_memory > more * MIB


def test_a_command_that_had_less_than_its_worker_tells_no_more_than_it_had(took):
    found = took(python(HOLD.format(1, 0.3))).peak_memory
    assert MIB < found < usage._peak(usage.resource.RUSAGE_SELF)
    short = took(NewTask(command=["true"])).peak_memory
    assert short is None or short < found


def test_a_process_is_waited_for_once_whoever_asks():
    process = MeasuredProcess([sys.executable, "-S", "-c", "raise SystemExit(3)"])
    assert process.wait() == 3
    assert (process.poll(), process.wait(timeout=1)) == (3, 3)
    assert process.usage.cpu_s > 0


def test_a_process_that_somebody_else_has_waited_for_has_nothing_to_tell():
    process = MeasuredProcess(["true"])
    os.waitpid(process.pid, 0)
    assert process.poll() is not None
    assert process.usage is None


def test_a_killed_process_tells_its_signal():
    process = MeasuredProcess(["sleep", "60"])
    assert process.poll() is None
    process.kill()
    assert process.wait() == -9


def test_a_function_in_a_child_tells_what_it_took_and_the_report_does(queue, took):
    big = took(f.hold.bind(100, 0.05), executor="process", concurrency=1)
    assert big.peak_memory > 100 * MIB
    assert big.cpu_s >= 0.05
    (group,) = queue.report().functions
    assert (group.cpu_s, group.peak_memory) == (pytest.approx(big.cpu_s), big.peak_memory)


def test_a_peak_is_not_that_of_the_task_before(queue, drain):
    tasks = queue.enqueue_many([f.hold.bind(100, 0), f.pid.bind()])
    drain(executor="process", concurrency=1)
    big, small = (queue.history(task.id)[0].peak_memory for task in tasks)
    assert small < big - 50 * MIB


def test_where_the_kernel_does_not_count_anew_only_a_new_peak_is_told(monkeypatch):
    monkeypatch.setattr(kernel, "forget_peak", lambda: False)
    meter = Meter()
    measured = meter.read()
    assert measured.usage.peak_memory is None
    assert measured.resident > MIB
    monkeypatch.setattr(kernel, "memory", lambda: None)
    assert meter.read().resident > MIB


def test_a_function_in_a_thread_tells_the_cpu_of_its_thread(took):
    one = took(f.hold.bind(0, 0.05), executor="thread")
    assert 0.05 <= one.cpu_s < 5
    assert one.peak_memory is None


def test_what_takes_less_than_a_millisecond_is_not_measured(took, monkeypatch):
    monkeypatch.setattr(usage, "WORTH", 10.0)
    from jobrunner.runtime.executors import thread

    monkeypatch.setattr(thread, "WORTH", 10.0)
    assert took(f.pid.bind(), executor="thread").cpu_s is None


def test_a_child_is_replaced_after_so_many_tasks(queue, drain):
    tasks = queue.enqueue_many([f.pid.bind() for _ in range(6)])
    drain(executor="process", concurrency=1, max_tasks_per_child=2)
    assert len({task.result() for task in tasks}) == 3


def test_a_child_that_has_more_memory_is_replaced_after_its_task(queue, drain):
    small = [f.pid.bind() for _ in range(2)]
    tasks = queue.enqueue_many([*small, f.keep.bind(250), *[f.pid.bind() for _ in range(2)]])
    drain(executor="process", concurrency=1, max_memory_per_child=250 * MIB)
    first, second, grown, third, fourth = (task.result() for task in tasks)
    assert first == second == grown
    assert third == fourth != grown


@pytest.mark.parametrize("name", ["max_tasks_per_child", "max_memory_per_child"])
def test_children_are_limited_where_there_are_some(name):
    assert getattr(WorkerOptions.of(executor="process", **{name: 1}), name) == 1
    with pytest.raises(ConfigurationError, match="the executor 'thread' has none"):
        WorkerOptions.of(**{name: 1})
    with pytest.raises(ConfigurationError, match="at least 1"):
        WorkerOptions.of(executor="process", **{name: 0})


def test_the_memory_of_a_process_that_has_ended_is_not_known():
    with subprocess.Popen(["/bin/true"]) as ended:
        pass
    assert kernel.memory(ended.pid) is None
