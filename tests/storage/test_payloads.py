"""Long arguments lie apart from the row of their task, and nobody can tell."""

import pytest

from jobrunner.core import payload
from jobrunner.core.new_task import NewTask
from jobrunner.core.outcome import Completed
from jobrunner.core.status import Status
from jobrunner.storage import claim, migrate, payloads, reads
from tests.storage.conftest import Nowhere
from tests.storage.later import downgrade

LONG = "x" * payloads.SHORT
SHORT = "x" * (payloads.SHORT - len('[""]'))
MIXES = {
    "short": {"args": (SHORT,), "kwargs": {"to": 1}},
    "long args": {"args": (LONG, 2), "kwargs": {"to": 1}},
    "long kwargs": {"args": (1,), "kwargs": {"text": LONG}},
    "both": {"args": (LONG,), "kwargs": {"text": LONG}},
    "long args alone": {"args": (LONG,)},
    "neither": {},
}


def apart(store):
    return store.sql("SELECT count(*) FROM payloads")[0][0]


@pytest.mark.parametrize("name", MIXES)
def test_arguments_come_back_as_they_were_given(store, name):
    given = MIXES[name]
    task_id = store.add(**given)
    lease = store.claim_one()
    assert tuple(payload.decode(lease.args) or ()) == given.get("args", ())
    assert (payload.decode(lease.kwargs) or {}) == given.get("kwargs", {})
    (found,) = store.read(reads.find, status=Status.IN_PROGRESS, source=Nowhere())
    for task in (store.get(task_id), found):
        assert (task.args, task.kwargs) == (given.get("args", ()), given.get("kwargs", {}))


@pytest.mark.parametrize("name", MIXES)
def test_only_what_is_long_lies_apart(store, name):
    store.add(**MIXES[name])
    assert apart(store) == ("long" in name or name == "both")
    (row,) = store.sql("SELECT coalesce(length(args), 0), coalesce(length(kwargs), 0) FROM tasks")
    assert max(row) <= payloads.SHORT


def test_a_claim_of_many_has_each_its_own(store):
    texts = [str(number) * payloads.SHORT for number in range(1_200)]
    store.enqueue(*[NewTask(function="f", args=(text,)) for text in texts], NewTask(function="f"))
    leases = store.claim(limit=2_000)
    assert [payload.decode(lease.args) for lease in leases] == [*[[text] for text in texts], None]


def test_a_claim_that_came_to_light_has_its_arguments(store):
    store.add(args=(LONG,))
    lease = store.claim_one()
    assert store.read(claim.claimed_with, "ada", lease.token) == [lease]


def test_what_lies_apart_goes_with_its_task(store):
    task_id = store.add(args=(LONG,))
    store.settle(store.claim_one(), Completed())
    assert store.get(task_id).args == (LONG,)
    store.sql("DELETE FROM tasks")
    assert apart(store) == 0


def test_a_claim_and_a_settlement_leave_it_alone(store):
    store.add(args=(LONG,))
    before = store.sql("SELECT * FROM payloads")
    store.settle(store.claim_one(), Completed("1"))
    assert store.sql("SELECT * FROM payloads") == before


def test_an_older_schema_has_it_in_the_row_again(store):
    ids = [store.add(**given) for given in MIXES.values()]
    before = [store.get(task_id) for task_id in ids]
    downgrade(store.database, migrate.scripts(), to="0001")
    assert store.sql("SELECT count(*) FROM tasks WHERE args = '' OR kwargs = ''") == [(0,)]
    migrate.upgrade(store.database)
    assert [store.get(task_id) for task_id in ids] == before
