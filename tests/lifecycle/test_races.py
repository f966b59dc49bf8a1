"""Many processes, some of them killed: everything once, nothing lost, nothing left over."""

import os
import random
import signal
import threading
from collections import Counter

from jobrunner import NewTask
from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus

LAYERS, WIDTH = 15, 10
KILL_EVERY = 0.3
MOST_KILLS = 25


def workflow(folder):
    """150 commands in layers; each needs the output of its parents and writes its own."""
    chance = random.Random(7)  # noqa: S311 — the same workflow every time
    new, above = [], []
    for layer in range(LAYERS):
        row = []
        for place in range(WIDTH):
            parents = chance.sample(range(len(above)), k=min(3, len(above)))
            needs = "".join(f"test -e {layer - 1}.{parent} || exit 3; " for parent in parents)
            script = f"{needs}echo {layer}.{place} >> log; echo > {layer}.{place}"
            row.append(
                NewTask(
                    command=["sh", "-c", script],
                    cwd=str(folder),
                    after=[above[parent] for parent in parents],
                )
            )
        new += row
        above = row
    return new


def kill_workers(stage, done):
    """Kill one worker process after the other, as long as the work goes on."""
    killed = 0
    while killed < MOST_KILLS and not done.wait(KILL_EVERY):
        living = [w for w in stage.queue.workers() if w.status is WorkerStatus.RUNNING]
        if living:
            try:
                os.kill(living[0].pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed += 1
    return killed


def test_a_workflow_completes_while_its_workers_are_killed_one_after_the_other(stage, finish):
    tasks = stage.queue.enqueue_many(workflow(stage.folder))
    scheduler = stage.scheduler({"until_empty": True}, workers=2, concurrency=2)
    done, kills = threading.Event(), []
    killer = threading.Thread(target=lambda: kills.append(kill_workers(stage, done)))
    killer.start()
    finish(scheduler)
    done.set()
    killer.join()
    ended = [stage.queue.get(task.id) for task in tasks]
    assert Counter(task.status for task in ended) == {Status.COMPLETED: LAYERS * WIDTH}
    assert set(stage.log()) == {f"{n}.{m}" for n in range(LAYERS) for m in range(WIDTH)}
    assert all(stage.outcomes(task.id).count("completed") == 1 for task in tasks)
    assert stage.nobody_is_running()
    assert stage.queue.check() == []
    assert kills[0] > 0


def test_eight_processes_run_each_of_2000_tasks_once(stage, finish):
    # Two schedulers with four workers each.
    ids = stage.queue.enqueue_ids([NewTask(function="nothing") for _ in range(2000)])
    first = stage.scheduler({"until_empty": True}, workers=4)
    second = stage.scheduler({"until_empty": True}, workers=4)
    finish(first)
    finish(second)
    report = stage.queue.report()
    assert report.tasks[Status.COMPLETED] == 2000
    assert dict(report.attempts) == {"completed": 2000}
    found = stage.queue.find(limit=3000)
    assert {task.id for task in found} == set(ids)
    assert {task.attempt for task in found} == {1}
    assert stage.nobody_is_running()


def test_what_is_enqueued_meanwhile_from_several_processes_is_not_lost(stage, finish):
    adding = [
        stage.python(
            "import app\n"
            "for number in range(60):\n"
            "    app.nothing.enqueue()\n"
            "    app.nothing.using(delay=0.1).enqueue()\n"
        )
        for _ in range(3)
    ]
    scheduler = stage.scheduler(workers=2)
    for process in adding:
        finish(process)
    stage.until(lambda: stage.queue.counts()[Status.COMPLETED] == 360)
    scheduler.send_signal(signal.SIGTERM)
    finish(scheduler)
    assert dict(stage.queue.report().attempts) == {"completed": 360}


def test_an_enqueue_that_has_returned_survives_the_kill_of_its_process(stage):
    process = stage.python("import app\nwhile True: print(app.nothing.enqueue().id, flush=True)")
    acknowledged = [int(process.stdout.readline()) for _ in range(200)]
    process.kill()
    process.wait()
    acknowledged += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    found = {task.id for task in stage.queue.find(limit=100_000)}
    assert set(acknowledged) <= found
    assert len(found) <= len(acknowledged) + 1
