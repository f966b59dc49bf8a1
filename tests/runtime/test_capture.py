"""What functions print and log is kept with their attempts wherever they run, and shown."""

import contextlib
import io
import logging
import os
import re
import sys

import pytest

from jobrunner import NewTask, Scheduler, Worker, context
from jobrunner.core.status import Status
from jobrunner.core.written import Stream
from jobrunner.runtime import capture, outputs
from tests.databases import on_a_file
from tests.runtime import writing as w
from tests.runtime.support import PATIENCE, outcomes, until

EXECUTORS = ["thread", "process", "async"]


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(outputs, "LOOK_EVERY", 0.02)


@pytest.fixture
def queue(queue):
    for name in w.writing.registry.names:
        queue.registry.add(w.writing.registry.get(name))
    return queue


@pytest.fixture
def run(queue, drain):
    """Run one task to its end; the record of its last attempt."""

    def run(new, **settings):
        task = queue.enqueue(new)
        drain(**({"capture": True} | settings))
        return queue.history(task.id)[-1]

    return run


@on_a_file
@pytest.mark.parametrize("executor", EXECUTORS)
@pytest.mark.parametrize("function", [w.say, w.say_async], ids=["plain", "async"])
def test_what_a_function_prints_is_kept_and_shown(run, executor, function, capfd):
    record = run(function.bind("grüße"), executor=executor)
    assert (record.stdout, record.stderr) == ("grüße\n", "oh\ndear\n")
    if executor != "process":  # whose server has the stdout of the test that started it
        shown = capfd.readouterr()
        assert shown.out == "grüße\n"
        assert "oh\ndear\n" in shown.err


@on_a_file
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_what_a_function_logs_is_kept_once(run, executor):
    record = run(w.tell.bind(), executor=executor)
    head, _, trace = record.stderr.partition("\nTraceback")
    assert re.fullmatch(
        r"[-\d]{10}T[:\d]{8}\.\d{3}Z INFO tests.writing: so many: 3\n"
        r"[-\d]{10}T[:\d]{8}\.\d{3}Z ERROR tests.writing: it went wrong",
        head,
    )
    assert trace.endswith("ValueError: on purpose\n")


@on_a_file
def test_what_a_handler_writes_to_our_stream_is_kept_as_it_writes_it(run):
    assert run(w.tell_in_its_own_way.bind()).stderr == "<as it likes>\n"


@on_a_file
def test_without_capture_nothing_is_kept_and_all_is_shown(run, capsys):
    before = sys.stdout
    record = run(w.say.bind(), capture=False)
    assert (record.stdout, record.stderr) == (None, None)
    assert capsys.readouterr().out == "hello\n"
    assert sys.stdout is before


def test_all_is_as_before_once_no_worker_captures():
    def state():
        ours = logging.getLogger("jobrunner").level
        factory = logging.getLogRecordFactory()
        return sys.stdout, sys.stderr, logging.lastResort, factory, logging.root.level, ours

    before = state()
    with capture.installed():
        with capture.installed():
            assert all(new is not old for new, old in zip(state()[:4], before[:4], strict=True))
        assert sys.stdout is not before[0]
        with contextlib.redirect_stdout(io.StringIO()):
            pass
    assert state() == before


def test_an_application_without_logging_has_its_info_kept_and_ours_stays_quiet(monkeypatch):
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(logging.root, "level", logging.WARNING)
    ours = logging.getLogger("jobrunner")
    monkeypatch.setattr(ours, "level", logging.NOTSET)
    logging.root.manager._clear_cache()
    with capture.installed():
        assert logging.getLogger("any").isEnabledFor(logging.INFO)
        assert not ours.isEnabledFor(logging.INFO)
    assert (logging.root.level, ours.level) == (logging.WARNING, logging.NOTSET)


def test_a_stream_stands_in_for_the_one_before_it():
    before = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    stream = capture.Routed(Stream.STDOUT, before)
    assert stream.write("ä") == 1
    stream.flush()
    assert (stream.encoding, stream.buffer.getvalue()) == ("latin-1", b"\xe4")
    with pytest.raises(TypeError):
        stream.write(b"bytes")


@on_a_file
@pytest.mark.parametrize(("executor", "kept"), [("process", "from a thread\n"), ("thread", None)])
def test_threads_of_a_function_are_heard_where_nothing_else_runs(run, executor, kept):
    assert run(w.say_from_a_thread.bind(), executor=executor).stdout == kept


@on_a_file
def test_the_last_words_of_a_child_that_dies_are_kept(queue, drain):
    task = queue.enqueue(w.say_and_die.bind())
    drain(executor="process", capture=True)
    assert {record.stdout for record in queue.history(task.id)} == {"the last words\n"}
    assert outcomes(queue, task.id) == ["crashed"] * 5


@on_a_file
def test_a_thread_that_is_stopped_while_it_prints_harms_nobody(queue, start_worker, capsys):
    spinning = [w.spin_and_say.using(timeout=0.05, max_attempts=1).bind() for _ in range(8)]
    start_worker(concurrency=2, kill_grace=0.0, capture=True)
    ended = queue.wait(queue.enqueue_many(spinning), timeout=PATIENCE)
    assert {task.error for task in ended} == {"ran longer than 0.05 s"}
    assert all(queue.history(task.id)[0].stdout.startswith("x\n") for task in ended)
    assert left(queue) == []


@pytest.mark.parametrize(
    "new",
    [
        lambda folder: w.say_and_wait.bind(str(folder)),
        lambda folder: NewTask(
            command=["sh", "-c", "echo one; while [ ! -e go ]; do sleep 0.01; done; echo two"],
            cwd=str(folder),
        ),
    ],
    ids=["function", "command"],
)
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_who_follows_is_told_while_it_runs(queue, start_worker, tmp_path, executor, new):
    task = queue.enqueue(new(tmp_path))
    start_worker(executor=executor, capture=True)
    pieces = queue.follow(task.id)
    first = next(pieces)
    assert (first.text, first.number, first.offset) == ("one\n", 1, 4)
    assert queue.get(task.id).status is Status.IN_PROGRESS
    (tmp_path / "go").touch()
    assert [piece.text for piece in pieces] == ["two\n"]
    assert queue.history(task.id)[0].stdout == "one\ntwo\n"
    assert left(queue) == []


@on_a_file
def test_a_scheduler_captures_and_a_worker_of_a_program_does_not(queue):
    assert Scheduler(queue).options.capture
    assert not Scheduler(queue, capture=False).options.capture
    assert not Worker(queue).options.capture


@on_a_file
@pytest.mark.filterwarnings("ignore:.*fork")
def test_a_forked_child_writes_for_nobody(queue, drain, capfd):
    @queue.task
    def fork():
        pid = os.fork()
        if not pid:
            sys.stdout.write("from the child\n")
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)

    task = queue.enqueue(fork.bind())
    drain(capture=True)
    assert queue.history(task.id)[0].stdout is None


def left(queue):
    with queue.database.reading() as connection:
        return connection.exec_driver_sql("SELECT task_id FROM output").all()


def test_a_task_that_completes_itself_keeps_what_it_wrote(queue, drain):
    @queue.task(name="complete itself")
    def complete():
        sys.stdout.write("before\n")
        until(queue, lambda: queue.written(context.task_id).stdout.text)
        with context.transaction():
            context.complete(1)
        sys.stdout.write("after\n")

    task = queue.enqueue(complete.bind())
    drain(capture=True)
    assert queue.history(task.id)[0].stdout == "before\nafter\n"
    assert left(queue) == []
