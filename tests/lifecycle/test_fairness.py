"""Eight processes that write all the time take turns, and the log stays within bounds."""

import json

import pytest

from jobrunner.storage import wal
from tests.databases import on_a_file

pytestmark = on_a_file  # a server lets writers in beside each other

WRITERS = 8
SECONDS = 4.0
ROUNDS = 3
"""One that a busy machine has spoilt, by keeping one process waiting, is tried again: who is shut
out by a lock is so each time."""
SMALL_LOG = 4 * 2**20

# The clock starts when all are ready, and a writer that is shut out ends all the same.
WRITE = """
import json, sys, time, app
from jobrunner import DatabaseError
app.nothing.enqueue()
print("ready", flush=True)
sys.stdin.readline()
end, count, errors, worst = time.monotonic() + {seconds}, 0, [], 0.0
while (began := time.monotonic()) < end:
    try:
        app.padded.enqueue("x" * 2000)
    except DatabaseError as error:
        errors.append(str(error))
    count += 1
    worst = max(worst, time.monotonic() - began)
    time.sleep(0.001)  # nobody does nothing but enqueue
print(json.dumps([count, errors, worst]), flush=True)
"""

POLL = """
import json, sys, time, app
from jobrunner import DatabaseError
app.queue.counts()
print("ready", flush=True)
sys.stdin.readline()
end, count, errors, worst = time.monotonic() + {seconds}, 0, [], 0.0
while (began := time.monotonic()) < end:
    try:
        app.queue.status()
    except DatabaseError as error:
        errors.append(str(error))
    count += 1
    worst = max(worst, time.monotonic() - began)
    time.sleep(0.01)
print(json.dumps([count, errors, worst]), flush=True)
"""

HOLD = """
import sys, app
with app.queue.database.reading() as transaction:
    transaction.exec_driver_sql("SELECT count(*) FROM tasks").all()
    print("ready", flush=True)
    sys.stdin.readline()
print("[1, [], 0]", flush=True)
"""

PADDED = """
@queue.task
def padded(text): pass
"""


def ready(stage, *programs):
    """Start programs that wait, once they are set up, for a line."""
    started = [stage.python(program.format(seconds=SECONDS)) for program in programs]
    for process in started:
        assert process.stdout.readline() == "ready\n"
    return started


def go(*processes):
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()


def told(process):
    count, errors, worst = json.loads(process.stdout.readline())
    process.wait(60)
    return count, errors, worst


def written_alike(stage):
    """Have eight write all the time, until they got alike; returns how many tasks they stored."""
    stored, figures = 0, []
    for _ in range(ROUNDS):
        *writers, poller = ready(stage, *[WRITE] * WRITERS, POLL)
        go(*writers, poller)
        results = [told(process) for process in (*writers, poller)]
        assert [errors for _, errors, _ in results if errors] == []
        counts = [count for count, _, _ in results[:-1]]
        worst = max(waited for _, _, waited in results)
        stored += WRITERS + sum(counts)
        figures.append(f"transactions {counts}, worst wait {worst:.2f} s")
        if min(counts) >= 0.6 * max(counts) and worst < 5:
            return stored
    return pytest.fail("; ".join(figures))


def test_eight_writers_get_alike_and_the_log_comes_back_when_a_long_reader_is_gone(stage):
    stage.write(PADDED)
    path = stage.queue.database.path
    stage.enqueue("nothing")
    (holder,) = ready(stage, HOLD)
    stored = written_alike(stage)
    assert sum(stage.queue.counts().values()) == stored + 1
    with_reader = wal.size(path)

    go(holder)
    told(holder)
    again = ready(stage, *[WRITE] * WRITERS)
    go(*again)
    assert [errors for _, errors, _ in map(told, again) if errors] == []
    # It is started anew at its beginning, and grows no more.
    assert wal.size(path) <= with_reader + SMALL_LOG
    assert wal.cut(stage.queue.database, limit=0)
    assert wal.size(path) == 0


def test_without_a_long_reader_the_log_stays_small(stage):
    stage.write(PADDED)
    for _ in range(ROUNDS):
        *writers, poller = ready(stage, *[WRITE] * 4, POLL)
        go(*writers, poller)
        counts = [told(process)[0] for process in (*writers, poller)]
        peak = wal.size(stage.queue.database.path)
        if peak < 2 * SMALL_LOG:
            break
        assert wal.cut(stage.queue.database, limit=0)  # a look that took long was a long reader
    else:
        pytest.fail(f"{peak / 2**20:.1f} MiB after {sum(counts)} transactions")
