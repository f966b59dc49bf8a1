"""Rewind at size, at random, broken off, and beside others."""

import random
import threading

import pytest

from jobrunner.core.errors import TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed
from jobrunner.storage.rewind import rewind
from tests.storage.rewound import again, run_all

GOOD, BAD = Completed("1"), Failed("broken", retryable=False)


@pytest.mark.parametrize("seed", range(8))
def test_waiting_on_is_as_if_counted_afresh(store, seed):
    dice = random.Random(seed)  # noqa: S311 — no secret
    ids = []
    for _ in range(30):
        parents = dice.sample(ids, min(len(ids), dice.randrange(4)))
        halves = len(parents) // 2
        ids.append(store.add(after=parents[:halves], after_any=parents[halves:]))
    for _ in range(12):
        for lease in store.claim(limit=dice.randrange(1, 6)):
            store.settle(lease, dice.choice([GOOD, GOOD, BAD]))
        target, failed_only = dice.choice(ids), dice.random() < 0.5
        try:
            ids_again = again(store, target, failed_only=failed_only)
        except TaskStateError:
            ids_again = []
        assert store.problems() == []
        assert set(store.statuses(*ids_again)) <= {"pending", "blocked"}
    run_all(store)
    assert store.sql("SELECT id FROM tasks WHERE finished_at IS NULL") == []


def test_ten_thousand_descendants_are_rewound(store):
    root = NewTask(function="work")
    middle = [NewTask(function="work", after=[root]) for _ in range(9_999)]
    last = NewTask(function="work", after=middle)
    ids = store.enqueue(root, *middle, last)
    for _ in range(3):
        leases = store.claim(limit=10_000)
        store.settle_all([store.ended(lease, GOOD) for lease in leases])
    assert store.get(ids[-1]).status == "completed"
    assert len(again(store, ids[0])) == 10_001
    assert store.sql("SELECT status, count(*) FROM tasks GROUP BY status ORDER BY status") == [
        ("blocked", 10_000),
        ("pending", 1),
    ]


def test_a_rewind_that_is_broken_off_leaves_all_as_it_was(store):
    root = store.add()
    store.add(after=[root])
    run_all(store)
    before = store.everything()

    def break_down(transaction):
        rewind(transaction, root, now=store.now)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(break_down)
    assert store.everything() == before


def test_who_enqueues_below_a_task_that_is_rewound_waits_for_it(store):
    for _ in range(5):
        root = store.add()
        store.finish(root, GOOD)
        below = []
        thread = threading.Thread(target=lambda r=root, b=below: b.append(store.add(after=[r])))
        thread.start()
        again(store, root)
        thread.join(60)
        assert store.statuses(root) == ["pending"]
        assert store.statuses(*below)[0] in {"blocked", "pending"}
        assert store.problems() == []
        store.sql("DELETE FROM tasks")
