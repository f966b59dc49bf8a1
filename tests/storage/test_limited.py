"""A claim where limits are in use: what runs is counted, and nobody gets more than there is."""

import pytest

from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed, Failed, Released
from tests.storage.limiting import Limiting


@pytest.fixture
def limits(store):
    return Limiting(store)


def done(limits, leases):
    for lease in leases:
        limits.store.settle(lease, Completed("1"))


def test_a_key_without_a_rule_runs_one_at_a_time(limits):
    for name in ("first", "second"):
        limits.add(name, concurrency_key="tenant")
    (first,) = limits.claim(5)
    assert limits.names(5) == []
    done(limits, [first])
    assert limits.names(5) == ["second"]


def test_a_key_counts_what_runs_at_other_workers_and_in_other_queues(limits):
    limits.store.worker("bob")
    limits.limit_key("tenant", concurrency=2)
    for queue in "abcd":
        limits.add(queue, concurrency_key="tenant", queue=queue)
    assert len(limits.claim(1)) == 1
    assert len(limits.claim(5, worker="bob")) == 1
    assert limits.claim(5) == []


def test_a_rule_holds_for_each_key_that_begins_with_its_name_apart(limits):
    limits.limit_key("tenant", concurrency=2)
    for key in ("tenant", "tenant:1", "tenant:2:x", "tenants"):
        for _ in range(4):
            limits.add(key, concurrency_key=key)
    limits.limit_key("tenant:2", concurrency=3)
    assert sorted(limits.names(100)) == [
        *["tenant"] * 2,
        *["tenant:1"] * 2,
        *["tenant:2:x"] * 3,
        "tenants",
    ]


def test_a_queue_has_at_most_so_many_in_progress(limits):
    limits.limit_queue("images", concurrency=2)
    for number in range(4):
        limits.add(f"image {number}", queue="images")
    limits.add("other", queue="z")
    limits.add("keyed", queue="images", concurrency_key="a")
    first = limits.claim(10)
    assert len(first) == 3
    assert limits.claim(10) == []
    done(limits, first)
    assert sorted(limits.names(10)) == ["image 2", "image 3"]


def test_nothing_of_a_paused_queue_starts_until_it_is_resumed(limits):
    limits.add("plain", queue="images")
    limits.add("keyed", queue="images", concurrency_key="a")
    limits.add("other", queue="other")
    assert limits.pause("images")
    assert not limits.pause("images")
    assert limits.names(5) == ["other"]
    assert limits.names(5, queues=("images",)) == []
    assert limits.resume("images")
    assert not limits.resume("images")
    assert limits.names(5) == ["plain", "keyed"]


def test_what_a_task_needs_must_be_offered_and_free(limits):
    limits.store.worker("bob")
    for name in ("first", "second", "third"):
        limits.add(name, needs={"gpu": 1, "memory": 4})
    assert limits.claim(5, offers={}) == []
    assert limits.claim(5, offers={"gpu": 1}) == []
    assert limits.names(5, offers={"gpu": 3, "memory": 9}) == ["first", "second"]
    assert limits.names(5, offers={"gpu": 3, "memory": 9}) == []
    assert limits.names(5, offers={"gpu": 1, "memory": 4}, worker="bob") == ["third"]


def test_tenths_add_up_to_one(limits):
    for _ in range(11):
        limits.add(needs={"cpu": 0.1})
    assert len(limits.claim(3, offers={"cpu": 1})) == 3
    assert len(limits.claim(20, offers={"cpu": 1})) == 7


def test_a_rate_lets_so_many_start_in_any_period(limits):
    limits.limit_key("api", concurrency=None, rate=(2, 10))
    for number in range(6):
        limits.add(str(number), concurrency_key="api")
    begin = limits.store.now
    assert limits.names(1) == ["0"]
    limits.store.later(4)
    assert limits.names(5) == ["1"]
    assert (limits.look_at - begin).total_seconds() == 10
    limits.store.later(5.9)
    assert limits.names(5) == []
    limits.store.later(0.1)
    assert limits.names(5) == ["2"]
    assert (limits.look_at - begin).total_seconds() == 14


def test_a_rate_of_a_queue_counts_plain_tasks_and_those_with_keys(limits):
    limits.limit_queue("api", rate=(3, 60))
    limits.limit_key("a", concurrency=None)
    for _ in range(3):
        limits.add(queue="api")
        limits.add(queue="api", concurrency_key="a")
    assert len(limits.claim(10)) == 3
    limits.store.later(60)
    assert len(limits.claim(10)) == 3


def test_a_clock_that_is_set_back_holds_nobody_up(limits):
    limits.limit_queue("default", rate=(2, 10))
    for _ in range(6):
        limits.add()
    assert len(limits.claim(1)) == 1
    limits.store.later(5)
    assert len(limits.claim(1)) == 1
    limits.store.later(-86_400)
    assert limits.claim(1) == []
    limits.store.later(4.9)
    assert limits.claim(1) == []
    limits.store.later(0.1)  # five seconds lay between the two
    assert len(limits.claim(6)) == 1
    limits.store.later(5)
    assert len(limits.claim(6)) == 1


def test_a_task_may_start_after_a_clock_was_set_back(limits):
    limits.limit_queue("default", rate=(5, 10))
    limits.add()
    (lease,) = limits.claim(1)
    limits.store.later(-0.5)
    limits.store.settle(lease, Released())
    assert len(limits.claim(1)) == 1


def test_what_is_rated_is_never_claimed_ahead(limits):
    for queue in ("rated", "rated too"):
        limits.limit_queue(queue, rate=(10, 60))
        for _ in range(5):
            limits.add("rated", queue=queue, priority=1)
            limits.add("plain")
    assert limits.names(2, ahead=2) == ["rated", "rated", "plain", "plain"]


def test_what_has_crashed_is_never_claimed_ahead(limits):
    limits.add("crashed", concurrency_key="a")
    limits.store.worker("bob")
    limits.claim(1, worker="bob")
    limits.store.lose("bob")
    limits.store.rescue("bob")
    assert limits.names(0, ahead=5) == []
    assert limits.names(1, ahead=5) == ["crashed"]


def test_lanes_have_turns(limits):
    limits.limit_key("a", concurrency=9)
    limits.limit_key("b", concurrency=9)
    for key in "aaaabb":
        limits.add(key, concurrency_key=key)
    assert limits.names(3) == ["a", "b", "a"]
    assert limits.names(1) == ["b"]
    assert limits.names(1) == ["a"]
    assert limits.names(2) == ["a"]


def test_priority_goes_before_turns(limits):
    limits.limit_key("a", concurrency=9)
    for number in range(3):
        limits.add(f"a{number}", concurrency_key="a", priority=5)
    limits.add("b", concurrency_key="b")
    limits.add("plain", priority=7)
    assert limits.names(4) == ["plain", "a0", "a1", "a2"]


def test_plain_tasks_and_lanes_go_by_age(limits):
    for name in ("plain 1", "lane 1", "plain 2", "lane 2", "plain 3"):
        key = name[-1] if name.startswith("lane") else None
        limits.add(name, concurrency_key=key)
    assert limits.names(9) == ["plain 1", "lane 1", "plain 2", "lane 2", "plain 3"]


@pytest.mark.parametrize("key", [None, "lane"])
def test_whoever_waits_longest_has_its_turn_in_whatever_lane(limits, key):
    limits.limit_key("lane", concurrency=9)
    limits.add("old", concurrency_key=key)
    for _ in range(3):
        limits.add("new", concurrency_key="lane", priority=5)
        limits.add("new", priority=5)
    assert limits.names(2) == ["new", "new"]
    assert limits.names(2, aged=1) == ["old", "new"]
    assert limits.names(2, aged=1) == ["new", "new"]


def test_a_worker_that_was_declared_lost_gets_nothing_and_uses_up_nothing(limits):
    limits.limit_queue("default", rate=(1, 60))
    limits.add("only")
    limits.store.lose()
    assert limits.claim(5) == []
    limits.store.worker("bob")
    assert limits.names(5, worker="bob") == ["only"]


def test_what_a_dead_worker_held_is_free_again(limits):
    for name in ("first", "second"):
        limits.add(name, concurrency_key="tenant")
    limits.store.worker("bob")
    assert limits.names(5) == ["first"]
    limits.store.lose()
    assert limits.names(5, worker="bob") == []
    limits.store.rescue()
    assert limits.names(5, worker="bob") == ["first"]


def test_a_retry_waits_outside_of_the_limit(limits):
    for name in ("first", "second"):
        limits.add(name, concurrency_key="tenant")
    (first,) = limits.claim(5)
    limits.store.settle(first, Failed("x"))
    assert limits.names(5) == ["second"]


def test_lanes_beyond_those_that_one_claim_looks_at_have_their_turn(limits):
    limits.store.enqueue(*(_needy(number) for number in range(1500)))
    limits.add("at the end", concurrency_key="z")
    assert limits.names(5, offers={}) == []
    assert not limits.circles["ada"].is_closed
    assert limits.names(5, offers={}) == ["at the end"]


def _needy(number):
    return NewTask(function="work", concurrency_key=f"k{number:04}", needs={"gpu": 1})
