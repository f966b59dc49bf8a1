"""Inline with threads: one runs tasks at a time, and none waits for itself."""

import threading

from jobrunner import Status
from jobrunner.testing import inline, inlining


def test_an_application_with_threads_runs_tasks_in_each(queue, log):
    @queue.task
    def where():
        return threading.current_thread().name

    def enqueue():
        log.append(where.enqueue().result())

    with inline(queue):
        threads = [threading.Thread(target=enqueue, name=f"web-{n}") for n in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(log) == 3
    assert set(log) <= {"web-0", "web-1", "web-2"}


def test_a_task_that_another_thread_has_claimed_has_run_on_return_too(queue):
    main = threading.current_thread()
    running, go_on, claimed, returned = (threading.Event() for _ in range(4))

    @queue.task
    def busy():
        running.set()
        go_on.wait(30)

    @queue.task
    def contested():
        claimed.set()
        returned.wait(0.3)

    def let_the_other_claim_it():
        if threading.current_thread() is main:
            go_on.set()
            claimed.wait(30)

    with inline(queue):
        other = threading.Thread(target=busy.enqueue)
        other.start()
        running.wait(30)
        queue.after_commit.insert(0, let_the_other_claim_it)
        task = contested.enqueue()
        returned.set()
        other.join()
    assert task.status is Status.COMPLETED


def test_a_task_may_enqueue_in_threads_of_its_own(queue, note, log, monkeypatch):
    monkeypatch.setattr(inlining, "PATIENCE", 0.1)

    @queue.task
    def parent():
        thread = threading.Thread(target=note.enqueue, args=["child"])
        thread.start()
        thread.join()

    with inline(queue):
        parent.enqueue()
    assert log == ["child"]


def test_two_threads_never_run_a_task_twice(queue, note, log):
    def enqueue(worker):
        for number in range(10):
            note.enqueue(f"{worker}-{number}")

    with inline(queue):
        threads = [threading.Thread(target=enqueue, args=[name]) for name in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(log) == sorted(f"{name}-{number}" for name in "ab" for number in range(10))
