"""Traces of OpenTelemetry, from the enqueue of a task to its runs, where the application has them.

Nothing is imported that the application has not: one that does not use OpenTelemetry pays a look
into a dictionary. How spans are made and where they go is for its SDK to say.
"""

import contextlib
import os
import sys
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from jobrunner.core import extras
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import NAMES, Failed, Outcome
from jobrunner.core.task import Lease

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

TRACE: Final = "trace"
"""The trace context among the extras of a task: headers of W3C's Trace Context by their names."""

FAILED: Final = frozenset({"failed", "timed_out", "crashed"})

FLUSH_WITHIN: Final = 800
"""Milliseconds that a child process has to hand over its spans before it ends."""

_FIELDS: Final = ("traceparent", "tracestate")
"""What a command is told of its trace, in capitals as variables."""


def _is_there() -> bool:
    return "opentelemetry.trace" in sys.modules


def is_used() -> bool:
    """Whether this process has something that makes spans; the API alone makes none."""
    if not _is_there():
        return False
    from opentelemetry import trace  # noqa: PLC0415 — it is there

    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def is_traced() -> bool:
    """Whether a span is open right here."""
    if not _is_there():
        return False
    from opentelemetry import trace  # noqa: PLC0415 — it is there

    return trace.get_current_span().get_span_context().is_valid


def carried() -> Mapping[str, str] | None:
    """The context of the span that is open right here, for the extras of what is enqueued."""
    if not is_traced():
        return None
    from opentelemetry import propagate  # noqa: PLC0415 — as above

    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier or None


@contextlib.contextmanager
def sending(new: Sequence[NewTask[Any]]) -> Generator[None]:
    """A span around the enqueue of tasks."""
    if not new or not is_used():
        yield
        return
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 — as above

    what = new[0].name if len(new) == 1 else f"{len(new)} tasks"
    told: dict[str, str | int] = {
        "messaging.system": "jobrunner",
        "messaging.operation.type": "send",
        "messaging.destination.name": new[0].queue,
        "messaging.batch.message_count": len(new),
    }
    with _tracer().start_as_current_span(
        f"enqueue {what}", kind=SpanKind.PRODUCER, attributes=told
    ):
        yield


@contextlib.contextmanager
def running(lease: Lease, name: str) -> "Generator[Span | None]":
    """A span around an attempt, below the one that its task was enqueued in."""
    if not is_used():
        yield None
        return
    from opentelemetry import propagate  # noqa: PLC0415 — as above
    from opentelemetry.trace import SpanKind  # noqa: PLC0415 — as above

    told: dict[str, str | int] = {
        "messaging.system": "jobrunner",
        "messaging.operation.type": "process",
        "messaging.destination.name": lease.queue,
        "messaging.message.id": str(lease.task_id),
        "jobrunner.attempt": lease.attempt,
    }
    with _tracer().start_as_current_span(
        f"run {name}",
        context=propagate.extract(stored(lease)),
        kind=SpanKind.CONSUMER,
        attributes=told,
    ) as span:
        yield span


def note(span: "Span | None", outcome: Outcome) -> None:
    """Write down how the attempt of a span has ended."""
    if span is None:
        return
    from opentelemetry.trace import StatusCode  # noqa: PLC0415 — as above

    word = NAMES[type(outcome)]
    span.set_attribute("jobrunner.outcome", word)
    if word not in FAILED:
        return
    error = str(getattr(outcome, "error", ""))
    span.set_status(StatusCode.ERROR, error)
    if isinstance(outcome, Failed) and outcome.traceback:
        kind, _, says = error.partition(": ")
        told = {"type": kind, "message": says, "stacktrace": outcome.traceback}
        span.add_event("exception", {f"exception.{name}": text for name, text in told.items()})


def stored(lease: Lease) -> dict[str, str]:
    """The context that a task was enqueued in."""
    if lease.extras is None:
        return {}
    found: dict[str, str] = extras.decode(lease.extras).get(TRACE, {})
    return found


def variables(lease: Lease) -> dict[bytes, bytes]:
    """What a command is told of its trace: the span that is open, or the one of its enqueue."""
    found = carried() or stored(lease)
    return {
        os.fsencode(name.upper()): os.fsencode(found[name]) for name in _FIELDS if name in found
    }


def flush() -> None:
    """Have the spans of this process handed over: a child ends without a word to its libraries."""
    if not is_used():
        return
    from opentelemetry import trace  # noqa: PLC0415 — as above

    hand_over: Any = getattr(trace.get_tracer_provider(), "force_flush", None)
    if hand_over is not None:
        with contextlib.suppress(Exception):  # the exporter's, and nobody is left to tell
            hand_over(FLUSH_WITHIN)


def _tracer() -> "Tracer":
    from opentelemetry import trace  # noqa: PLC0415 — as above

    return trace.get_tracer("jobrunner")
