"""The programs of a stage: an application, a worker and a scheduler of it."""

APP = """
import ctypes, os, time
from jobrunner import NewTask, TaskQueue, context
from pathlib import Path

HERE = Path(__file__).parent
queue = TaskQueue(LOCATION)

def say(word):
    with open(HERE / "log", "a") as log:
        log.write(f"{word}\\n")

@queue.task
def nothing(): pass

@queue.task
def slow(seconds):
    context.progress(0, note="running")
    time.sleep(seconds)
    return os.getpid()

@queue.task
def until_file(name):
    context.progress(0, note="running")
    while not (HERE / name).exists():
        time.sleep(0.01)
    return context.attempt

@queue.task
def long_once(seconds):
    context.progress(0, note="running")
    if context.attempt == 1:
        time.sleep(seconds)
    return context.attempt

@queue.task
def pill(): os._exit(1)

@queue.task
def segfault(): ctypes.string_at(0)

@queue.task
def walk(upto, halt_once):
    for number in context.resume(range(upto)):
        say(f"{context.attempt}:{number}")
        time.sleep(60 if (context.attempt, number) == (1, halt_once) else 0.02)
"""

WORK = """
import signal, sys, app
from jobrunner import Worker
from jobrunner.core import events

def tell(event):
    print(type(event).__name__, getattr(event, "task_id", ""), event.worker_id, flush=True)

if __name__ == "__main__":
    app.queue.emit = tell
    worker = Worker(app.queue, **{options})
    signal.signal(signal.SIGTERM, lambda *_: worker.stop("it got SIGTERM"))
    worker.run(**{limits})
"""

SCHEDULE = """
import signal, app
from jobrunner import Scheduler

if __name__ == "__main__":
    scheduler = Scheduler(app.queue, **{options})
    signal.signal(signal.SIGTERM, lambda *_: scheduler.stop())
    report = scheduler.run(**{limits})
    print(dict(report.attempts), flush=True)
"""

# The guard is told of a command when it has started: whoever kills the worker in that very
# millisecond leaves the command behind, as the guarantees say.
HEARD = "head -c 200000 /dev/zero"
"""What a command says first, more than a pipe holds: once it is read, the guard knows of it."""
