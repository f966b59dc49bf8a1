"""Spans from the enqueue of a task to its runs; nothing where the application has none."""

import subprocess
import sys

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from jobrunner import NewTask
from jobrunner.storage import telemetry
from tests.runtime import functions as f


@pytest.fixture(scope="module")
def exporter():
    """Takes the spans of this process, whose SDK is set up once."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    before = trace._TRACER_PROVIDER
    trace._TRACER_PROVIDER = provider
    yield exporter
    trace._TRACER_PROVIDER = before
    provider.shutdown()


@pytest.fixture
def spans(exporter):
    """The spans there are, by their names."""
    exporter.clear()
    return lambda: {span.name: span for span in exporter.get_finished_spans()}


def stored(queue):
    from sqlalchemy import text

    with queue.database.reading() as connection:
        return connection.scalar(text("SELECT extras FROM payloads"))


@pytest.mark.parametrize("executor", ["thread", "async"])
def test_a_run_is_a_span_below_the_enqueue(queue, drain, spans, executor):
    function = f.add if executor == "thread" else f.add_async
    with trace.get_tracer("test").start_as_current_span("request") as request:
        task = queue.enqueue(function.bind(2, 3))
    drain(executor=executor)
    assert task.result() == 5
    found = spans()
    enqueued, ran = found[f"enqueue {task.function}"], found[f"run {task.function}"]
    assert enqueued.parent.span_id == request.get_span_context().span_id
    assert ran.parent.span_id == enqueued.context.span_id
    assert ran.context.trace_id == request.get_span_context().trace_id
    assert ran.attributes["messaging.message.id"] == str(task.id)
    assert ran.attributes["messaging.destination.name"] == task.queue
    assert ran.attributes["jobrunner.outcome"] == "completed"
    assert (enqueued.kind.name, ran.kind.name) == ("PRODUCER", "CONSUMER")


def test_each_attempt_that_fails_says_why(queue, drain, exporter, spans):
    queue.enqueue(f.fail.using(max_attempts=1).bind("boom"))
    drain()
    ran = spans()["run fail"]
    assert ran.status.status_code.name == "ERROR"
    assert "boom" in ran.status.description
    (event,) = ran.events
    assert "Traceback" in event.attributes["exception.stacktrace"]


def test_a_command_finds_its_trace(queue, drain, spans):
    new = NewTask(command=["sh", "-c", "printenv TRACEPARENT"], max_attempts=1)
    task = queue.enqueue(new)
    drain()
    ran = spans()["run sh"]
    context = f"00-{ran.context.trace_id:032x}-{ran.context.span_id:016x}-"
    assert queue.history(task.id)[0].stdout.startswith(context)


def test_a_task_of_a_batch_and_one_that_stands_in_are_in_the_trace(queue, drain, spans):
    with trace.get_tracer("test").start_as_current_span("request") as request:
        with queue.batch() as batch:
            batch.add(f.add.bind(1, 2))
        queue.enqueue(f.pid.using(unique="once").bind())
    drain()
    found = spans()
    wanted = request.get_span_context().trace_id
    assert {found["run add"].context.trace_id, found["run pid"].context.trace_id} == {wanted}


def test_what_is_enqueued_in_a_span_shares_no_transaction(queue, spans, monkeypatch):
    monkeypatch.setattr(queue.database, "is_busy", lambda: True)
    new = [f.add.bind(1, 2)]
    assert queue.store._may_share(new)
    with trace.get_tracer("test").start_as_current_span("request"):
        assert not queue.store._may_share(new)


def test_without_a_span_of_its_own_a_run_begins_a_trace(queue, drain, spans, monkeypatch):
    monkeypatch.setattr(telemetry, "carried", lambda: None)
    monkeypatch.setattr("jobrunner.storage.enqueue.carried", lambda: None)
    task = queue.enqueue(f.pid.bind())
    assert stored(queue) is None
    drain()
    assert task.result()
    assert spans()["run pid"].parent is None


UNUSED = """
import sys
from jobrunner import TaskQueue, Worker
queue = TaskQueue("jobs.db")
queue.enqueue_command(["true"])
Worker(queue, concurrency=1).run(until_empty=True)
print(queue.get(1).status, "opentelemetry" in sys.modules)
"""


def test_an_application_without_it_never_imports_it(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", UNUSED],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == ["completed", "False"]


CHILDREN = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from jobrunner import TaskQueue, Worker

provider = TracerProvider()
out = open("spans", "a")
provider.add_span_processor(BatchSpanProcessor(
    ConsoleSpanExporter(out=out, formatter=lambda span: f"{span.name} {span.context.trace_id}\\n")
))
trace.set_tracer_provider(provider)
queue = TaskQueue("jobs.db")

@queue.task
def work():
    return 1
"""
RUN = """
import app
from jobrunner import Worker
task = app.work.enqueue()
Worker(app.queue, concurrency=1, executor="process").run(until_empty=True)
app.provider.shutdown()
print(task.result())
"""


def test_spans_of_a_child_process_are_handed_over_before_it_ends(tmp_path):
    (tmp_path / "app.py").write_text(CHILDREN)
    ran = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout.strip()) == (0, "1"), ran.stderr
    names = dict(line.rsplit(" ", 1) for line in (tmp_path / "spans").read_text().splitlines())
    assert set(names) == {"enqueue work", "run work"}
    assert len(set(names.values())) == 1
