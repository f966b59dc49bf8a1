"""Many tasks at once: those that match, some in a transaction, and what may not be is left."""

from datetime import timedelta

import pytest

from jobrunner.core.bulk import FITTING, Act, Wanted
from jobrunner.core.errors import ConfigurationError, InvalidTaskError
from jobrunner.core.outcome import Cancelled, Completed, Failed
from jobrunner.core.status import Status
from jobrunner.storage import bulk, deleting, progress

BROKEN = Failed("ValueError: no Such host", retryable=False)


def ended(store, outcome, *, batch=None, **fields):
    task_id = store.add(**fields)
    store.finish(task_id, outcome)
    return in_batch(store, batch, task_id) if batch else task_id


def in_batch(store, batch, task_id):
    store.sql("UPDATE tasks SET batch_id = :batch WHERE id = :id", batch=batch, id=task_id)
    return task_id


def matching(store, act=Act.DELETE, **wanted):
    wanted = Wanted(**wanted)
    found = store.read(bulk.following, wanted, act)
    assert store.read(bulk.count, wanted, act) == len(found)
    return sorted(found)


def do(store, act, ids, **wanted):
    wanted = wanted or {"ids": ids}
    return store.write(bulk.do, act, ids, Wanted(**wanted), now=store.now)


class TestWhichMatch:
    def test_all_that_is_given_must_hold(self, store):
        ids = [
            ended(store, outcome, queue=queue, function=function)
            for outcome in (Completed(), BROKEN, Cancelled("enough"))
            for queue in ("a", "b")
            for function in ("f", "g")
        ]
        assert matching(store, every=True) == ids
        assert matching(store, status=Status.FAILED) == ids[4:8]
        assert matching(store, queue="a") == sorted(ids[0::4] + ids[1::4])
        assert matching(store, status=Status.FAILED, queue="b", function="g") == [ids[7]]
        assert matching(store, queue="none") == []

    def test_an_error_is_found_by_a_part_of_its_text_as_it_is_written(self, store):
        task_id, other = ended(store, BROKEN), ended(store, Failed("100%_off", retryable=False))
        assert matching(store, error="Such") == [task_id]
        assert matching(store, error="such") == []
        assert matching(store, error="%_o") == [other]
        assert matching(store, error="a%b") == []
        assert matching(store, error="") == [task_id, other]

    def test_age_counts_from_the_end_or_from_the_enqueueing(self, store):
        waiting, start = store.add(priority=-1), store.now
        store.later(10)
        done = ended(store, Completed())
        store.later(10)
        for after, expected in ((5, []), (15, [done])):
            before = start + timedelta(seconds=after)
            assert matching(store, older_than=before) == expected
            newer = matching(store, newer_than=before)
            assert newer == [task for task in (done,) if task not in expected]
        pending = {"status": Status.PENDING, "older_than": start + timedelta(seconds=1)}
        assert matching(store, **pending) == [waiting]

    def test_members_of_a_batch_are_found(self, store):
        mine = ended(store, BROKEN, batch=7)
        ended(store, BROKEN, batch=8)
        assert matching(store, Act.RETRY, batch_id=7) == [mine]

    def test_unless_a_status_is_named_only_those_that_are_meant_by_the_word(self, store):
        completed, failed = ended(store, Completed()), ended(store, BROKEN)
        cancelled, pending = ended(store, Cancelled("enough")), store.add(priority=-1)
        store.add(priority=5)
        running = store.claim_one().task_id
        assert matching(store, Act.RETRY, every=True) == [failed]
        assert matching(store, Act.RETRY, status=Status.CANCELLED) == [cancelled]
        assert matching(store, Act.CANCEL, every=True) == [pending, running]
        assert matching(store, Act.DELETE, every=True) == [completed, failed, cancelled]
        store.cancel(running)
        assert matching(store, Act.CANCEL, every=True) == [pending]

    @pytest.mark.parametrize("act", Act)
    def test_a_status_that_does_not_allow_it_is_refused(self, store, act):
        for status in set(Status) - set(FITTING[act]):
            with pytest.raises(ConfigurationError, match=f"that is {status} cannot be handled"):
                store.read(bulk.count, Wanted(status=status), act)

    def test_what_has_no_meaning_is_refused(self, store):
        with pytest.raises(ConfigurationError, match="no tasks are named"):
            Wanted()
        with pytest.raises(ConfigurationError, match="not by both"):
            Wanted(ids=[1], queue="a")
        for values in ({"error": "a\0b"}, {"queue": 5}, {"older_than": 7}):
            with pytest.raises(InvalidTaskError):
                Wanted(**values)


class TestInPieces:
    def test_they_come_in_pieces_each_once_parents_first_to_be_retried(self, store):
        store.enqueue(*[_new() for _ in range(1200)])
        for act, statement in (
            (Act.CANCEL, "SELECT 1"),
            (
                Act.RETRY,
                "UPDATE tasks SET status = 'failed', finished_at = 1",
            ),
        ):
            store.sql(statement)
            seen, last = [], None
            while some := store.read(bulk.following, Wanted(every=True), act, after=last):
                assert len(some) <= bulk.AT_ONCE
                seen, last = seen + some, some[-1]
            assert len(seen) == 1200
            assert seen == sorted(seen, reverse=act is Act.CANCEL)

    def test_what_no_longer_matches_is_left_alone(self, store):
        first, second = ended(store, BROKEN), ended(store, BROKEN)
        store.retry(first)
        seen = do(store, Act.RETRY, [first, second], status=Status.FAILED)
        assert seen == (1, [])
        assert store.statuses(first, second) == ["pending", "pending"]


class TestActs:
    def test_a_parent_is_retried_before_what_was_cancelled_for_it(self, store):
        parent = store.add()
        child = store.add(after=[parent])
        store.finish(parent, BROKEN)
        assert do(store, Act.RETRY, [child]).refused[0].why.startswith("depends on task")
        assert do(store, Act.RETRY, [parent, child]) == (2, [])
        assert store.statuses(parent, child) == ["pending", "blocked"]

    def test_one_that_cannot_be_is_named_and_the_others_go_on(self, store):
        done, broken = ended(store, Completed()), ended(store, BROKEN)
        count, refused = do(store, Act.RETRY, [done, 2**70, broken])
        assert count == 1
        assert [task_id for task_id, _ in refused] == [done, 2**70]
        assert refused[0].why.startswith("is completed; only")
        assert refused[1].why == "does not exist"
        assert store.statuses(broken) == ["pending"]

    def test_waiting_tasks_are_cancelled_and_running_ones_asked(self, store):
        running, waiting = store.add(priority=1), store.add()
        store.claim_one()
        assert do(store, Act.CANCEL, [running, waiting], every=True) == (2, [])
        assert store.statuses(running, waiting) == ["in_progress", "cancelled"]
        assert store.get(running).cancel_requested_at == store.now


class TestDelete:
    def delete(self, store, *ids):
        return store.write(deleting.delete, ids, now=store.now)

    def remaining(self, store):
        return [task_id for (task_id,) in store.sql("SELECT id FROM tasks ORDER BY id")]

    def test_a_task_goes_with_all_that_is_stored_of_it(self, store):
        store.add(args=["x" * 300])
        lease = store.claim_one()
        store.write(progress.save, lease.task_id, lease.token, now=store.now, done=1)
        store.settle(lease, Completed())
        assert self.delete(store, lease.task_id) == (1, [])
        *rest, (_known,) = store.everything()  # that it was deleted
        assert not any(rest)
        assert store.sql("SELECT * FROM payloads") == []

    def test_never_one_that_runs(self, store):
        task_id = store.add()
        store.claim_one()
        deleted, refused = self.delete(store, task_id)
        assert (deleted, refused) == (0, [(task_id, "is in progress; cancel it first")])
        assert store.statuses(task_id) == ["in_progress"]

    def test_one_that_a_live_dependent_needs_stays_and_names_it(self, store):
        parent, other = ended(store, Completed()), store.add()
        child = store.add(after=[parent, other])
        why = f"is needed by task {child}, which has not ended"
        assert self.delete(store, parent, other) == (0, [(parent, why), (other, why)])
        assert store.statuses(other, child) == ["pending", "blocked"]

    def test_a_whole_graph_goes_at_once_and_waiting_ones_end_first(self, store):
        ids = [store.add()]
        ids += [store.add(after=[ids[0]]) for _ in range(2)]
        ids.append(store.add(after=ids[1:]))
        assert self.delete(store, *ids) == (4, [])
        assert self.remaining(store) == []

    def test_one_whose_dependents_have_ended_goes_and_they_stay(self, store):
        parent = store.add()
        child = store.add(after=[parent])
        store.finish(parent, BROKEN)
        assert self.delete(store, parent) == (1, [])
        assert self.remaining(store) == [child]

    def test_a_member_of_a_batch_that_goes_on_stays(self, store):
        store.sql("INSERT INTO batches (id, created_at) VALUES (7, 0)")
        done, last = ended(store, Completed(), batch=7), in_batch(store, 7, store.add())
        _, refused = self.delete(store, done)
        assert refused == [(done, "is counted by batch 7, which has not ended")]
        assert self.delete(store, last) == (1, [])
        assert store.sql("SELECT id FROM batches") == [(7,)]
        assert self.delete(store, done) == (1, [])
        assert store.sql("SELECT id FROM batches") == []


def _new():
    from jobrunner.core.new_task import NewTask

    return NewTask(function="work")
