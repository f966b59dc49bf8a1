"""How long ended tasks are kept: by status, by queue; what lives keeps what it needs."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner.core.outcome import Cancelled, Completed, Failed
from jobrunner.core.retention import DEFAULT, FOREVER, Rule
from jobrunner.core.status import Status
from jobrunner.storage import agenda, progress, prune, retention

BROKEN = Failed("broken", retryable=False)
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)


def pruned(store, **options):
    return store.write(prune.prune, now=store.now, **options)


def keep(store, queue="", **kept):
    store.write(retention.keep, queue, kept)


def remaining(store):
    return [task_id for (task_id,) in store.sql("SELECT id FROM tasks ORDER BY id")]


def ended(store, outcome, **fields):
    task_id = store.add(**fields)
    store.finish(task_id, outcome)
    return task_id


class TestPrune:
    @pytest.mark.parametrize(
        ("outcome", "days"), [(Completed(), 7), (Cancelled("enough"), 7), (BROKEN, 90)]
    )
    def test_a_finished_task_is_kept_for_its_time(self, store, outcome, days):
        task_id = ended(store, outcome)
        store.now += timedelta(days=days)
        assert (pruned(store), remaining(store)) == (0, [task_id])
        store.now += timedelta(microseconds=1)
        assert (pruned(store), remaining(store)) == (1, [])

    def test_an_open_task_is_never_old(self, store):
        ids = [store.add(), store.add(delay=timedelta(days=9_000)), store.add()]
        ids.append(store.add(after=[ids[0]]))
        store.claim_one()
        store.now += timedelta(days=1000)
        assert (pruned(store), remaining(store)) == (0, ids)

    def test_a_task_that_an_open_one_depends_on_stays(self, store):
        parent, other = ended(store, Completed()), store.add()
        dependent = store.add(after=[parent, other])
        store.now += timedelta(days=365)
        assert (pruned(store), remaining(store)) == (0, [parent, other, dependent])
        store.finish(other, Completed())
        store.finish(dependent, Completed())
        assert pruned(store) == 1  # the parent; the other two ended just now
        assert remaining(store) == [other, dependent]

    def test_history_progress_and_edges_go_with_the_task(self, store):
        parent = store.add()
        child = store.add(after=[parent])
        lease = store.claim_one()
        store.write(progress.save, lease.task_id, lease.token, now=store.now, done=1)
        store.settle(lease, Completed())
        store.finish(child, Completed())
        store.now += timedelta(days=8)
        assert pruned(store) == 2
        assert not any(store.everything())

    def test_a_bounded_number_goes_at_once_oldest_first(self, store):
        ids = []
        for outcome in (Completed(), BROKEN, Completed(), Cancelled("enough"), Completed()):
            ids.append(ended(store, outcome))
            store.later(1)
        store.now += timedelta(days=100)
        assert (pruned(store, limit=2), remaining(store)) == (2, [ids[1], ids[3], ids[4]])
        assert (pruned(store, limit=2), remaining(store)) == (2, [ids[1]])
        assert (pruned(store, limit=2), pruned(store, limit=2)) == (1, 0)


class TestRules:
    def test_a_rule_for_all_queues_takes_the_place_of_the_defaults(self, store):
        done, broken = ended(store, Completed()), ended(store, BROKEN)
        keep(store, failed=SECOND, completed=FOREVER)
        store.now += 1000 * DAY
        assert pruned(store) == 1
        assert remaining(store) == [done]
        assert broken not in remaining(store)

    def test_a_queue_has_a_rule_of_its_own_and_others_keep_theirs(self, store):
        quick, slow = ended(store, Completed(), queue="a"), ended(store, Completed(), queue="b")
        mine = ended(store, BROKEN, queue="a")
        keep(store, "a", completed=SECOND)
        store.later(2)
        assert (pruned(store), remaining(store)) == (1, [slow, mine])
        store.now += 8 * DAY
        assert (pruned(store), remaining(store)) == (1, [mine])
        assert quick not in remaining(store)

    def test_what_is_kept_for_ever_in_one_queue_goes_in_another(self, store):
        kept, gone = ended(store, BROKEN, queue="a"), ended(store, BROKEN, queue="b")
        keep(store, "a", failed=FOREVER)
        store.now += 10_000 * DAY
        assert (pruned(store), remaining(store)) == (1, [kept])
        assert gone not in remaining(store)

    def test_nothing_is_kept_where_the_time_is_none(self, store):
        keep(store, completed=timedelta())
        ended(store, Completed())
        store.later(0.000001)
        assert (pruned(store), remaining(store)) == (1, [])

    def test_rules_are_read_as_they_were_set_and_can_be_taken_back(self, store):
        keep(store, completed=SECOND)
        keep(store, "a", failed=FOREVER, cancelled=DAY)
        rules = store.read(retention.stored)
        assert rules.rules == {"": Rule(SECOND), "a": Rule(DEFAULT, FOREVER, DAY)}
        found = {status: rules.of("a", status) for status in (Status.COMPLETED, Status.FAILED)}
        assert found == {Status.COMPLETED: SECOND, Status.FAILED: None}
        assert rules.of("b", Status.FAILED) == 90 * DAY
        keep(store, "a", failed=DEFAULT)
        assert store.read(retention.stored).rules["a"] == Rule(DEFAULT, DEFAULT, DAY)
        keep(store, "a", cancelled=DEFAULT)
        keep(store, completed=DEFAULT)
        assert store.sql("SELECT * FROM queues") == []

    def test_the_row_of_a_paused_queue_stays_when_its_rule_is_taken_back(self, store):
        store.sql("INSERT INTO queues (name, paused_at) VALUES ('a', 1)")
        keep(store, "a", failed=DAY)
        keep(store, "a", failed=DEFAULT)
        assert store.sql("SELECT name, paused_at FROM queues") == [("a", 1)]
        assert store.read(retention.stored).rules == {}

    def test_a_claim_regards_no_queue_that_only_says_how_long_it_keeps(self, store):
        keep(store, "a", failed=DAY)
        assert not store.read(agenda.look).ruled
        store.sql("UPDATE queues SET concurrency = 1")
        assert store.read(agenda.look).ruled


class TestWhatLives:
    def test_a_batch_keeps_its_members_until_the_last_has_ended(self, store):
        store.sql("INSERT INTO batches (id, created_at) VALUES (7, 0), (8, 0)")
        first, last, other = ended(store, Completed()), store.add(), ended(store, Completed())
        for batch, members in ((7, f"{first}, {last}"), (8, str(other))):
            store.sql(f"UPDATE tasks SET batch_id = {batch} WHERE id IN ({members})")  # noqa: S608
        store.now += 8 * DAY
        assert (pruned(store), remaining(store)) == (1, [first, last])
        assert store.sql("SELECT id FROM batches") == [(7,)], "the other goes with its last task"
        store.finish(last, Completed())
        assert (pruned(store), remaining(store)) == (1, [last])
        store.now += 8 * DAY
        assert (pruned(store), remaining(store)) == (1, [])
        assert store.sql("SELECT id FROM batches") == []
        assert other not in remaining(store)

    def test_a_schedule_keeps_the_task_of_its_last_tick(self, store):
        store.sql(
            "INSERT INTO schedules (id, name, cron, anchor_at, missed, missed_cap, overlap, task,"
            " created_at) VALUES (1, 'daily', '@daily', 0, 'one', 1, 'skip', '{}', 0)"
        )
        first, last = ended(store, Completed()), ended(store, Completed())
        for tick, task in ((1, first), (2, last), (3, None)):
            store.sql(
                "INSERT INTO schedule_ticks VALUES (1, :tick, :task, 0)", tick=tick, task=task
            )
        store.now += 8 * DAY
        assert (pruned(store), remaining(store)) == (1, [last])
        assert store.sql("SELECT tick_at FROM schedule_ticks ORDER BY 1") == [(2,), (3,)]

    def test_what_others_refer_to_is_told_and_nothing_goes(self, store):
        task_id = ended(store, Completed())
        with store.database.writing() as transaction:
            transaction.execute(text("CREATE TABLE mine (task BIGINT REFERENCES tasks (id))"))
        store.sql("INSERT INTO mine VALUES (:id)", id=task_id)
        store.now += 8 * DAY
        with pytest.raises(prune.DatabaseError, match="rows of another table refer to them"):
            pruned(store)
        assert remaining(store) == [task_id]
        store.sql("DROP TABLE mine")
