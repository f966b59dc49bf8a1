"""To cancel what has not begun leaves all else as it is."""

from jobrunner.core.outcome import Completed
from jobrunner.core.status import Status
from jobrunner.storage import futures


def test_each_stands_somewhere_and_what_is_gone_nowhere(store):
    done, waiting = store.add(), store.add()
    store.finish(done, Completed())
    found = store.read(futures.standing, [waiting, done, 999])
    assert found == {done: Status.COMPLETED, waiting: Status.PENDING}
    assert store.read(futures.standing, []) == {}


def test_what_waits_is_cancelled_and_what_runs_is_not_even_asked(store):
    running = store.add()
    store.claim_one()
    done = store.add(priority=9)
    store.finish(done, Completed())
    pending, scheduled = store.add(), store.add(run_at=store.now.replace(year=2030))
    blocked = store.add(after=[running])
    ids = [running, done, pending, scheduled, blocked, 999]
    cancelled = store.write(futures.cancel_unbegun, ids, now=store.now)
    assert cancelled == [pending, scheduled, blocked]
    assert store.statuses(*ids[:5]) == [
        "in_progress",
        "completed",
        "cancelled",
        "cancelled",
        "cancelled",
    ]
    assert store.get(running).cancel_requested_at is None


def test_one_that_goes_with_another_counts(store):
    parent = store.add()
    child = store.add(after=[parent])
    other = store.add(after=[child])
    assert store.write(futures.cancel_unbegun, [parent, child], now=store.now) == [parent, child]
    assert store.statuses(parent, child, other) == ["cancelled"] * 3
