"""Workers fire schedules: idle ones at the tick, busy ones by the sweep, each tick once."""

from datetime import UTC, datetime, timedelta

import pytest

from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.core.errors import UnknownFunctionError
from jobrunner.core.schedule_errors import InvalidScheduleError, ScheduleNotFoundError
from jobrunner.runtime.declared import store_declared
from jobrunner.runtime.liveness import Liveness
from jobrunner.runtime.maintenance import Maintenance
from jobrunner.runtime.settler import Settler, Want
from jobrunner.testing import StubClock, drain
from jobrunner.testing.stand_in import StandIn
from tests.runtime.functions import add, finish_on_request, gates
from tests.runtime.support import until

SECOND = timedelta(seconds=1)


def ran(queue, name):
    return [tick for tick in queue.schedules.ticks(name, limit=100) if tick.status == "completed"]


@pytest.fixture
def code(location):
    """A queue as an application makes it, and a clock that stands."""
    queue = TaskQueue(location, clock=StubClock(datetime(2026, 1, 1, tzinfo=UTC)))
    yield queue
    queue.close()


def test_a_turn_tells_the_next_tick_and_fires_it_with_its_claim(code):
    tick = code.schedules.add("hourly", "@hourly", NewTask(function="work")).next_at
    with StandIn(code) as worker:
        settler = Settler(code.database, worker.id, code.clock)
        idle = settler.turn((), [Want((), 5)])
        assert (idle.leases, idle.next_due) == ([], tick)
        code.clock.advance(tick - code.clock.now())
        fired = settler.turn((), [Want((), 5)])
        assert [lease.function for lease in fired.leases] == ["work"]
        assert fired.next_due == tick + timedelta(hours=1)


def test_an_idle_worker_goes_on_firing(queue, start_worker):
    added = queue.schedules.add("often", SECOND, add.bind(1, 2), missed="skip", overlap="allow")
    start_worker()
    until(queue, lambda: len(ran(queue, "often")) >= 3)
    found = queue.schedules.ticks("often", limit=100)
    assert all(tick.fired_at >= tick.tick_at for tick in found)
    assert all((tick.tick_at - added.anchor_at) % SECOND == timedelta() for tick in found)
    assert len({tick.tick_at for tick in found}) == len(found)


def test_while_all_workers_are_busy_the_sweep_fires(queue, start_worker):
    start_worker(concurrency=1)
    busy = queue.enqueue(finish_on_request.bind("go"))
    until(queue, lambda: queue.get(busy.id).progress)
    queue.schedules.add("often", SECOND, add.bind(1, 2), overlap="queue")
    found = until(queue, lambda: queue.schedules.ticks("often"))
    assert found[0].status == "pending"
    gates["go"].set()
    until(queue, lambda: ran(queue, "often"))


def test_many_workers_fire_a_tick_once(queue, start_worker):
    for number in range(20):
        queue.schedules.add(
            f"s{number}", SECOND, add.bind(number, 0), missed="all", overlap="allow"
        )
    for _ in range(3):
        start_worker()
    until(queue, lambda: all(len(ran(queue, f"s{number}")) >= 2 for number in range(20)))
    for number in range(20):
        queue.schedules.pause(f"s{number}")
    for number in range(20):
        ticks = [tick.tick_at for tick in queue.schedules.ticks(f"s{number}", limit=100)]
        assert len(ticks) == len(set(ticks))
        tasks = [tick.task_id for tick in queue.schedules.ticks(f"s{number}", limit=100)]
        assert len(tasks) == len(set(tasks))


def test_a_worker_that_waits_until_all_is_done_does_not_wait_for_ticks(queue, drain):
    queue.schedules.add("yearly", "@yearly", add.bind(1, 2))
    assert drain() == 0


def test_the_sweep_of_a_database_without_workers_fires(location):
    clock = StubClock()
    with_clock = TaskQueue(location, clock=clock, emit=lambda _: None)
    for number in range(450):
        with_clock.schedules.add(f"s{number}", "@hourly", add.bind(1, 2))
    clock.advance(3600)
    database = with_clock.database
    database.reserve.keep()
    maintenance = Maintenance(
        database, Liveness(database.lock_folder), clock=clock, emit=with_clock.emit, lost_after=30
    )
    maintenance.sweep()
    assert len(with_clock.find(limit=1_000)) == 450
    with_clock.close()


def test_what_code_declares_is_stored_when_a_worker_starts(code):
    @code.schedule("0 2 * * *", tz="Europe/Paris", overlap="allow")
    @code.task(queue="reports", timeout=60)
    def report(day="today"):
        return day

    @code.schedule(every=timedelta(minutes=5), name="polling", kwargs={"url": "x"})
    def poll(url):
        return url

    assert (report(), poll("y")) == ("today", "y")
    assert code.registry.names == ["poll", "report"]
    assert code.schedules.list() == []
    Worker(code).run(until_empty=True)
    first = code.schedules.list()
    assert [one.name for one in first] == ["polling", "report"]
    assert (first[1].tz, first[1].overlap, first[1].new_task().queue) == (
        "Europe/Paris",
        "allow",
        "reports",
    )
    assert first[0].new_task().kwargs == {"url": "x"}
    code.clock.advance(60)
    Worker(code).run(until_empty=True)
    assert code.schedules.list() == first


def test_what_is_gone_from_the_code_stays_until_it_is_removed(code):
    @code.schedule("@daily")
    def report():
        pass

    store_declared(code)
    code.registry.schedules.clear()
    store_declared(code)
    assert [one.name for one in code.schedules.list()] == ["report"]
    code.schedules.remove("report")
    assert code.schedules.list() == []


def test_a_function_declared_anew_replaces_itself_and_no_other(code):
    def declare(rule, **options):
        @code.schedule(rule, **options)
        def report():
            pass

        return report

    declare("@daily")
    known = declare("@hourly")
    assert code.registry.schedules["report"].cron == "@hourly"
    with pytest.raises(InvalidScheduleError, match="two schedules are named 'report'"):
        code.schedule("@weekly")(known)
    code.schedule("@weekly", name="again")(known)
    with pytest.raises(InvalidScheduleError, match="two schedules"):
        code.schedule("@daily", name="report")(lambda: None)


@pytest.mark.parametrize(("rule", "every"), [(None, None), ("@daily", SECOND)], ids=str)
def test_a_schedule_has_a_rule_or_an_interval(code, rule, every):
    with pytest.raises(InvalidScheduleError, match="a rule, or a time between"):
        code.schedule(rule, every=every)


def test_a_wrong_rule_is_told_where_it_is_declared(code):
    with pytest.raises(InvalidScheduleError, match="six fields"):
        code.schedule("0 0 2 * * *")(lambda: None)


def test_a_drain_runs_what_is_due_by_the_stub_clock(code):
    @code.schedule("@hourly")
    def report():
        return code.schedules.tick_of(1).hour

    store_declared(code)
    assert drain(code).tasks == []
    code.clock.advance(3600)
    (task,) = drain(code).tasks
    assert task.returned == 1


def test_run_stores_a_task_at_once_and_no_tick(code):
    code.schedules.add("daily", "@daily", code.task(lambda: 5).using(priority=7).bind())
    task = code.schedules.run("daily")
    assert (task.priority, task.status) == (7, "pending")
    assert code.schedules.ticks("daily") == []
    with pytest.raises(ScheduleNotFoundError):
        code.schedules.run("nightly")


def test_a_function_that_is_not_registered_is_refused(code):
    @code.task
    def report():
        pass

    other = code.new_task("report")
    code.schedules.add("daily", "@daily", other)
    with pytest.raises(UnknownFunctionError):
        code.schedules.add("daily", "@daily", NewTask(function="reprot"))


def test_a_worker_without_the_function_fails_the_task_as_ever(code, location):
    code.schedules.add("often", SECOND, NewTask(function="gone", max_attempts=1))
    seen = []
    other = TaskQueue(location, clock=code.clock, emit=seen.append)
    other.task(lambda: None)
    code.clock.advance(1)
    Worker(other).run(until_empty=True)
    (task,) = other.find()
    assert "no function named 'gone'" in task.error
    other.close()
