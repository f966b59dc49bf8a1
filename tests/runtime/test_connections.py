"""Tasks that are at the database all the time do not keep their worker from it."""

import threading
from concurrent.futures import ThreadPoolExecutor

from jobrunner.core.status import Status
from jobrunner.storage.gate import SIZE, going_first
from tests.databases import on_a_server
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE, until


@on_a_server
def test_a_worker_beats_and_settles_while_its_tasks_have_every_connection(queue, start_worker):
    tasks = queue.enqueue_many([f.add.bind(number, 1) for number in range(3)])
    together, done = threading.Barrier(SIZE + 1), threading.Event()

    def hold():
        with queue.database.reading():
            together.wait(PATIENCE)
            done.wait(PATIENCE)

    with ThreadPoolExecutor(SIZE) as threads, going_first():
        for _ in range(SIZE):
            threads.submit(hold)
        together.wait(PATIENCE)
        try:
            start_worker(heartbeat=0.05)
            ended = queue.wait(tasks, timeout=PATIENCE)
            until(queue, lambda: queue.workers()[0].beat > 2)
        finally:
            done.set()
    assert {task.status for task in ended} == {Status.COMPLETED}
