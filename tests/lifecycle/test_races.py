"""Many processes, some of them killed: everything once, nothing lost, nothing left over."""

import random
import signal
import threading
from collections import Counter

import pytest

from jobrunner import NewTask
from jobrunner.core.status import Status
from jobrunner.testing.crash_kills import RandomKills
from jobrunner.testing.crash_ledger import Ledger
from tests.lifecycle.conftest import PATIENCE
from tests.runtime.support import register_ada

LAYERS, WIDTH = 15, 10
FAN = 250
KILL_EVERY = 0.3
MOST_KILLS = 25

CLAIM = """
import sys, threading, app
from jobrunner.core.status import Status
from jobrunner.core.task import Token, WorkerId
from jobrunner.runtime.identity import new_token
from jobrunner.storage.claim import claim

def take():
    while app.queue.counts()[Status.PENDING]:
        with app.queue.database.writing() as transaction:
            leases = claim(
                transaction, worker_id=WorkerId("ada"), token=new_token(), limit=20,
                now=app.queue.clock.now(),
            )
        taken.extend(lease.task_id for lease in leases)

app.queue.counts()
print("ready", flush=True)
sys.stdin.readline()
taken = []
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
app.queue.close()
print(*taken)
"""


def command(folder, name, needs):
    """Fails without what its parents have written, and writes its own."""
    tests = "".join(f"test -e {parent} || exit 3; " for parent in needs)
    script = f"{tests}echo {name} >> log; echo > {name}"
    return {"command": ["sh", "-c", script], "cwd": str(folder)}


def fan(folder):
    """One, then many beside each other, then one that needs them all."""
    first = NewTask(**command(folder, "first", []))
    names = [f"beside{number}" for number in range(FAN)]
    many = [NewTask(**command(folder, name, ["first"]), after=[first]) for name in names]
    return [first, *many, NewTask(**command(folder, "last", names), after=many)]


def layers(folder):
    """150 commands in layers; each needs some of the layer above."""
    chance = random.Random(7)  # noqa: S311 — the same workflow every time
    new, above = [], []
    for layer in range(LAYERS):
        row = []
        for place in range(WIDTH):
            parents = chance.sample(range(len(above)), k=min(3, len(above)))
            needs = [f"{layer - 1}.{parent}" for parent in parents]
            after = [above[parent] for parent in parents]
            row.append(NewTask(**command(folder, f"{layer}.{place}", needs), after=after))
        new += row
        above = row
    return new


def kill_workers(stage, done):
    """Kill one worker process after the other, as long as the work goes on."""
    plan = RandomKills(Ledger(stage.folder / "kills", MOST_KILLS), {}, 0.0, 0)
    chance = random.Random(7)  # noqa: S311 — no secret
    while not plan.ledger.is_spent and not done.wait(KILL_EVERY):
        plan.kill_one(stage.queue, chance)
    return plan.ledger.spent


@pytest.mark.timeout(300)
@pytest.mark.parametrize("workflow", [layers, fan])
def test_a_workflow_completes_while_its_workers_are_killed_one_after_the_other(
    stage, finish, workflow
):
    new = workflow(stage.folder)
    tasks = stage.queue.enqueue_many(new)
    scheduler = stage.scheduler({"until_empty": True}, workers=4, concurrency=2)
    done, kills = threading.Event(), []
    killer = threading.Thread(target=lambda: kills.append(kill_workers(stage, done)))
    killer.start()
    finish(scheduler, patience=240)  # killed workers take their time to begin on a busy machine
    done.set()
    killer.join()
    ended = [stage.queue.get(task.id) for task in tasks]
    assert Counter(task.status for task in ended) == {Status.COMPLETED: len(new)}
    assert len(set(stage.log())) == len(new)
    assert all(stage.outcomes(task.id).count("completed") == 1 for task in tasks)
    assert stage.nobody_is_running()
    assert stage.queue.check() == []
    assert kills[0] > 0


def test_of_10_000_tasks_that_8_processes_with_4_threads_claim_none_is_claimed_twice(stage):
    register_ada(stage.queue, stage.queue.clock)
    ids = stage.queue.enqueue_ids([NewTask(function="nothing") for _ in range(10_000)])
    claiming = [stage.python(CLAIM) for _ in range(8)]
    for process in claiming:
        assert process.stdout.readline() == "ready\n"
    for process in claiming:
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=PATIENCE)[0] for process in claiming]
    assert sorted(int(word) for words in said for word in words.split()) == sorted(ids)
    assert sum(words.split() != [] for words in said) > 1, "one got all: that was no race"
    assert set(map(tuple, stage.sql("SELECT status, attempt FROM tasks"))) == {("in_progress", 1)}


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
