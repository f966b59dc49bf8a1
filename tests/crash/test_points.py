"""A kill at each named crash point, before and after the COMMIT: the state is recovered."""

import ast
import multiprocessing
import signal
from collections import Counter
from pathlib import Path

import pytest

import jobrunner
from jobrunner import Status, TaskQueue, Worker
from jobrunner.testing.crash_kills import KillAt
from jobrunner.testing.crash_ledger import Ledger
from jobrunner.testing.crashes import NAMES, THROUGH, crash_points
from tests.crash.application import LOCATION, at, flaky, steady
from tests.crash.points import QUICK, SCENARIOS, play
from tests.crash.verdict import FAULTS, judge
from tests.crash.victims import SIDE_LOG

PACKAGE = Path(jobrunner.__file__).parent

SIDES = ("before", "after")
POINTS = [(side, name) for name in sorted(SCENARIOS) for side in SIDES]

STORED = {
    "bulk": lambda task: task.status is Status.CANCELLED,
    "cancel": lambda task: task.status is Status.CANCELLED,
    "expire": lambda task: task.status is Status.CANCELLED,
    "rewind": lambda task: task.status is Status.PENDING,
    "retry": lambda task: task.status is not Status.CANCELLED,
    "update": lambda task: task.priority == 7,
    "rescue of one overdue": lambda task: task.status is Status.SCHEDULED,
}
"""What is to be seen after the COMMIT, and not before it."""

COUNTS = {"batch": 2, "enqueue": 2, "fire": 1, "transaction": 2}
"""How many tasks there are after the COMMIT, and none before it: all of them, or nothing."""


def kill_at(folder, side, name, *, nth=1, scenario=None):
    """A process that dies at the point; returns the queue it has left."""
    ledger = Ledger(folder / "kills", 1)
    context = multiprocessing.get_context("forkserver")
    # The tables are made by the victim; without this each imports Alembic for that.
    context.set_forkserver_preload(["tests.crash.points", "alembic.command", "alembic.runtime"])
    plan = KillAt(ledger, side, name, nth)
    process = context.Process(target=play, args=(str(folder), plan, scenario or name))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert dict(ledger.causes) == {f"{side} {name}": 1}
    return at(folder)


@pytest.fixture
def folder(tmp_path, location):
    """A folder that says where its database is."""
    (tmp_path / LOCATION).write_text(location)
    return tmp_path


@pytest.mark.parametrize("side", SIDES)
def test_a_kill_while_the_tables_are_made_leaves_none_or_all(tmp_path, empty_location, side):
    (tmp_path / LOCATION).write_text(empty_location)
    queue = kill_at(tmp_path, side, "migrate")
    queue.upgrade()  # a file is made by its first use, a server's tables are not
    steady.enqueue(str(tmp_path / SIDE_LOG), 0)
    Worker(queue, **QUICK).run(until_empty=True)
    assert queue.counts()[Status.COMPLETED] == 1
    assert queue.check() == []
    queue.close()


@pytest.mark.parametrize(("side", "name"), POINTS)
def test_a_kill_at_a_crash_point_loses_nothing(folder, side, name):
    queue = kill_at(folder, side, name)
    try:
        tasks = queue.find(limit=100)
        if name in COUNTS:
            assert len(tasks) == (COUNTS[name] if side == "after" else 0)
        elif name in STORED:
            assert STORED[name](tasks[0]) is (side == "after")
        else:
            assert len(tasks) == 1
        if name in STORED or name == "fire":
            return  # the rest is due in an hour, or after a backoff
        steady.enqueue(str(folder / SIDE_LOG), 0)
        Worker(queue, **QUICK | {"lost_after": 0.5}).run(until_empty=True)
        facts = judge(folder, queue)
        assert {fault: facts[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
        assert facts["tasks"] == len(tasks) + 1
    finally:
        assert queue.check() == []
        queue.close()


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("side", SIDES)
def test_a_kill_in_any_turn_of_a_family_loses_no_dependent(folder, side, nth):
    queue = kill_at(folder, side, "settle", nth=nth, scenario="family")
    try:
        assert queue.check() == []
        Worker(queue, **QUICK).run(until_empty=True)
        assert queue.counts()[Status.COMPLETED] == 4
        facts = judge(folder, queue)
        assert {fault: facts[fault] for fault in FAULTS} == dict.fromkeys(FAULTS, 0)
    finally:
        assert queue.check() == []
        queue.close()


KILLED_ELSEWHERE = {"jobrunner.runtime.moving"}
"""A move is killed before each of its commits by tests/cli/test_move.py."""


def writers():
    """Each `.writing()` and `store.write()`: module and qualified name of its function."""
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        if parts[1] != "testing":
            yield from ((".".join(parts), name) for name in within(ast.parse(path.read_text())))


WRITES = (".writing", "store.write")


def within(node, names=()):
    for child in ast.iter_child_nodes(node):
        inner = names
        if isinstance(child, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            inner = (*names, child.name)
        if isinstance(child, ast.Call) and ast.unparse(child.func).endswith(WRITES):
            yield ".".join(names)
        yield from within(child, inner)


def test_every_writing_transaction_has_a_name():
    found = set(writers())
    found = {place for place in found if place[0] not in KILLED_ELSEWHERE}
    assert found - set(NAMES) - THROUGH == set(), "name it in jobrunner/testing/crashes.py"
    assert set(NAMES) - found == set(), "there is no such transaction any more"


def test_every_name_is_killed_at():
    assert set(SCENARIOS) | {"migrate"} == set(NAMES.values())


def test_a_hook_is_told_both_sides_of_each_commit(location):
    queue, told = TaskQueue(location), []
    crash_points(queue.database, lambda side, name: told.append((side, name)))
    queue.registry.add(flaky.registered)
    task = queue.enqueue(flaky.using(delay=3600).bind("log"))
    queue.cancel(task.id)
    with queue.transaction():
        queue.retry(task.id)
    assert told == [
        (side, name)
        for name in ("enqueue", "cancel", "transaction")
        for side in ("before", "after")
    ]
    queue.close()


def test_a_transaction_that_fails_has_no_points(location):
    queue, told = TaskQueue(location), []
    crash_points(queue.database, lambda side, name: told.append((side, name)))
    with pytest.raises(jobrunner.TaskNotFoundError):
        queue.cancel(7)
    assert told == []
    queue.close()


def test_another_database_is_not_told_of(tmp_path):
    armed, plain = TaskQueue(tmp_path / "armed.db"), TaskQueue(tmp_path / "plain.db")
    told = Counter()
    crash_points(armed.database, lambda side, _name: told.update([side]))
    plain.enqueue_command(["true"])
    assert told == {}
    armed.enqueue_command(["true"])
    assert told == {"before": 1, "after": 1}
    armed.close()
    plain.close()
