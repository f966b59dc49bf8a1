"""At most one task of a key, whatever its status is to be; what becomes of the others."""

import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError

from jobrunner.core.control_errors import DuplicateTaskError
from jobrunner.core.errors import TaskStateError
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Cancelled, Completed, Failed, Released, Snoozed
from jobrunner.core.status import Status
from jobrunner.core.unique import LIVE, Unique
from jobrunner.storage import control
from jobrunner.storage.enqueue import enqueue
from jobrunner.storage.prune import prune
from tests.storage.keyring import holders
from tests.storage.plans import plans

MINUTE = timedelta(minutes=1)
BROKEN = Failed("broken", retryable=False)


def work(key="k", *, fields=None, **rule):
    return NewTask(function="work", unique=Unique(key=key, **rule), **(fields or {}))


def ignored(**rule):
    return work(on_conflict="ignore", **rule)


def test_a_second_task_of_a_key_is_refused_and_the_holder_named(store):
    (first,) = store.enqueue(work())
    before = store.everything()
    with pytest.raises(DuplicateTaskError, match=f"'k' is in use by task {first}") as refused:
        store.enqueue(NewTask(function="other"), work())
    assert (refused.value.key, refused.value.task_id) == ("k", first)
    assert "ignore" in refused.value.hint
    assert store.everything() == before


def test_a_text_alone_is_a_key(store):
    store.add(unique="k")
    with pytest.raises(DuplicateTaskError):
        store.add(unique="k")


def test_another_key_or_none_is_nobodys_business(store):
    assert len(set(store.enqueue(work("a"), work("b"), NewTask(function="work")))) == 3


def test_two_of_a_call_conflict_as_if_one_came_later(store):
    with pytest.raises(DuplicateTaskError, match="another task of this call") as refused:
        store.enqueue(work(), work())
    assert refused.value.task_id is None
    assert store.everything()[0] == []


@pytest.mark.parametrize("end", [Completed("1"), BROKEN, Cancelled("enough")])
def test_one_that_has_ended_is_in_nobodys_way(store, end):
    (first,) = store.enqueue(work())
    store.settle(store.claim_one(), end)
    (second,) = store.enqueue(work())
    assert holders(store) == [second] != [first]


@pytest.mark.parametrize(
    ("status", "end"),
    [("completed", Completed("1")), ("failed", BROKEN), ("cancelled", Cancelled("enough"))],
)
def test_it_can_hold_beyond_the_end(store, status, end):
    (first,) = store.enqueue(work(in_=LIVE | {Status(status)}))
    store.settle(store.claim_one(), end)
    assert store.enqueue(ignored()) == [first]


@pytest.mark.parametrize("end", [Failed("broken"), Snoozed(MINUTE), Released()])
def test_it_holds_while_it_runs_and_waits_for_its_retry(store, end):
    (first,) = store.enqueue(work())
    lease = store.claim_one()
    assert store.enqueue(ignored()) == [first]
    store.settle(lease, end)
    assert store.enqueue(ignored()) == [first]


def test_a_period_ends_though_the_task_does_not(store):
    (first,) = store.enqueue(work(within=MINUTE))
    store.later(59.9)
    assert store.enqueue(ignored()) == [first]
    store.later(0.1)
    (second,) = store.enqueue(ignored())
    assert holders(store) == [second] != [first]
    assert store.get(first).unique_key is None


def test_positions_tell_which_task_stands_for_which(store):
    (first,) = store.enqueue(work("a"))
    new = [work("b"), work("a", on_conflict="ignore"), NewTask(function="work")]
    new += [work("b", on_conflict="ignore")]
    rows = store.write(enqueue, new, now=store.now)
    ids = [row["id"] for row in rows]
    assert ids[1] == first
    assert ids[3] == ids[0]
    assert [row["is_duplicate"] for row in rows] == [False, True, False, True]
    assert len(store.sql("SELECT id FROM tasks")) == 3


def test_who_depends_on_one_that_is_ignored_depends_on_the_other(store):
    (first,) = store.enqueue(work())
    again = ignored()
    same = store.enqueue(NewTask(function="work", after=[again]), again)
    assert store.get(same[0]).after == (first,)
    assert store.statuses(*same) == ["blocked", "pending"]
    store.finish(first, Completed("1"))
    assert store.statuses(same[0]) == ["pending"]


def test_the_edges_of_one_that_is_ignored_are_not_stored(store):
    (parent, first) = store.enqueue(NewTask(function="work"), work())
    assert store.enqueue(ignored(fields={"after": [parent]})) == [first]
    assert store.get(first).after == ()


def test_one_whose_parent_has_failed_holds_no_key(store):
    parent = store.add(max_attempts=1)
    store.settle(store.claim_one(), BROKEN)
    (first,) = store.enqueue(work(fields={"after": [parent]}))
    assert store.statuses(first) == ["cancelled"]
    assert store.enqueue(ignored()) != [first]


def test_the_index_refuses_what_nobody_looked_for(store):
    first, second = store.enqueue(work("a"), work("b"))
    with pytest.raises(IntegrityError):
        store.sql("UPDATE tasks SET unique_key = 'a' WHERE id = :id", id=second)
    store.cancel(first)
    store.sql("UPDATE tasks SET unique_key = 'a' WHERE id = :id", id=second)
    with pytest.raises(IntegrityError):
        store.sql(
            "UPDATE tasks SET status = 'pending', finished_at = NULL WHERE id = :id", id=first
        )


def test_thousands_of_one_call_are_told_apart(store):
    new = [work(str(number % 1500), on_conflict="ignore") for number in range(3000)]
    ids = store.enqueue(*new)
    assert ids[:1500] == ids[1500:]
    assert store.enqueue(*new) == ids


def test_a_plain_enqueue_asks_nothing_more(store):
    asked = []
    engine = store.database._writer
    event.listen(engine, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
    store.add()
    assert not [words for words in asked if "unique_key IN" in words or "advisory" in words]
    store.add(unique="k")
    assert [words for words in asked if "unique_key IN" in words]


def test_who_has_a_key_is_found_by_the_index(store):
    store.enqueue(*[work(str(number)) for number in range(300)])
    steps = [
        step
        for call, arguments in (
            (enqueue, ([ignored(key="7")],)),
            (control.retry, (7,)),
        )
        for one in plans(store, attempted(call), *arguments, could=True, now=store.now)
        if "unique_key IN" in one.statement
        for step in one.steps
    ]
    assert {step.index for step in steps if step.table == "tasks"} == {"ix_tasks_unique"}


def attempted(call):
    def run(transaction, *args, **options):
        with contextlib.suppress(TaskStateError):
            call(transaction, *args, **options)

    return run


def test_what_is_old_is_pruned_with_its_key(store):
    (first,) = store.enqueue(work(in_=LIVE | {Status.COMPLETED}))
    store.settle(store.claim_one(), Completed("1"))
    store.later(8 * 24 * 3600)
    assert store.write(prune, now=store.now) == 1
    assert store.enqueue(ignored()) != [first]
