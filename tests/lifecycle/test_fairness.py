"""Eight processes that write all the time take turns, and the log stays within bounds."""

import json

from jobrunner.storage import wal
from tests.databases import on_a_file

pytestmark = on_a_file  # a server lets writers in beside each other

WRITERS = 8
SECONDS = 4.0
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


def test_eight_writers_get_alike_and_the_log_comes_back_when_a_long_reader_is_gone(stage):
    stage.write(PADDED)
    path = stage.queue.database.path
    stage.enqueue("nothing")
    *writers, poller, holder = ready(stage, *[WRITE] * WRITERS, POLL, HOLD)
    go(*writers, poller)
    results = [told(process) for process in writers]
    read = told(poller)
    with_reader = wal.size(path)
    counts = [count for count, _, _ in results]
    worst = max(waited for _, _, waited in results)
    figures = (
        f"transactions {counts}, worst wait {worst:.2f} s, {read[0]} looks, worst {read[2]:.2f} s, "
        f"log {with_reader / 2**20:.1f} MiB under a long reader"
    )
    assert [errors for _, errors, _ in [*results, read] if errors] == [], figures
    assert min(counts) >= 0.5 * max(counts), figures
    assert max(worst, read[2]) < 5, figures
    assert sum(stage.queue.counts().values()) == sum(counts) + WRITERS + 1, figures

    go(holder)
    told(holder)
    again = ready(stage, *[WRITE] * WRITERS)
    go(*again)
    assert [errors for _, errors, _ in map(told, again) if errors] == []
    # It is started anew at its beginning, and grows no more.
    assert wal.size(path) <= with_reader + SMALL_LOG, figures
    assert wal.cut(stage.queue.database, limit=0)
    assert wal.size(path) == 0


def test_without_a_long_reader_the_log_stays_small(stage):
    stage.write(PADDED)
    *writers, poller = ready(stage, *[WRITE] * 4, POLL)
    go(*writers, poller)
    counts = [told(process)[0] for process in writers]
    peak = wal.size(stage.queue.database.path)
    assert peak < 2 * SMALL_LOG, f"{peak / 2**20:.1f} MiB after {sum(counts)} transactions"
