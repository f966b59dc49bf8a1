"""Every change: who may make it, and the note of it in the same transaction."""

import inspect
from datetime import timedelta

import pytest

from jobrunner import NewTask
from jobrunner.core.bulk import Act
from jobrunner.core.errors import ConflictError, TaskNotFoundError, TaskStateError
from jobrunner.core.role import Role
from jobrunner.core.status import Status
from jobrunner.core.web_errors import ForbiddenError, ReadOnlyError, RoleError, TooManyRequestsError
from jobrunner.storage import access
from jobrunner.web.acts import Acts
from jobrunner.web.identity import Identity
from jobrunner.web.limits import Rates
from jobrunner.web.options import ServeOptions

TASK = NewTask(function="work")

CALLS = {
    "enqueue": lambda acts: acts.enqueue([TASK]),
    "update": lambda acts: acts.update(1, priority=3),
    "cancel": lambda acts: acts.cancel(1),
    "retry": lambda acts: acts.retry(2),
    "rewind": lambda acts: acts.rewind(2),
    "bulk": lambda acts: acts.bulk(Act.CANCEL, every=True),
    "pause_queue": lambda acts: acts.pause_queue("default"),
    "resume_queue": lambda acts: acts.resume_queue("default"),
    "limit_queue": lambda acts: acts.limit_queue("default", concurrency=1, rate=(1, 60)),
    "limit_key": lambda acts: acts.limit_key("tenant", concurrency=2),
    "pause_worker": lambda acts: acts.pause_worker("night", crew=True),
    "resume_worker": lambda acts: acts.resume_worker("night", crew=True),
    "stop_worker": lambda acts: acts.stop_worker("night", crew=True),
    "resize_worker": lambda acts: acts.resize_worker("night", 2, crew=True),
    "pause_schedule": lambda acts: acts.pause_schedule("daily"),
    "resume_schedule": lambda acts: acts.resume_schedule("daily"),
    "run_schedule": lambda acts: acts.run_schedule("daily"),
    "add_schedule": lambda acts: acts.add_schedule("hourly", timedelta(hours=1), TASK, tz="UTC"),
    "remove_schedule": lambda acts: acts.remove_schedule("daily"),
    "send_event": lambda acts: acts.send_event("approved", {"a": 1}),
    "prune": lambda acts: acts.prune(),
}
SUBMITTED = {"enqueue", "send_event"}


@pytest.fixture
def ready(queue):
    """A queue in which each of the calls makes sense."""
    queue.enqueue(TASK)
    queue.cancel(queue.enqueue(TASK).id)
    queue.crews.pause("night", crew=True)
    queue.schedules.add("daily", "@daily", TASK)
    return queue


def acts_of(queue, role=Role.OPERATE, **options):
    return Acts(queue, Identity("ada", role), ServeOptions(**options))


def test_the_list_of_calls_is_whole():
    methods = {name for name, _ in inspect.getmembers(Acts, inspect.isfunction) if name[0] != "_"}
    assert methods == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_every_act_is_noted(ready, name):
    CALLS[name](acts_of(ready))
    (entry,) = ready.audit.list()
    assert entry.actor == "ada"
    assert entry.action.startswith(name.partition("_")[0])


@pytest.mark.parametrize("name", CALLS)
def test_no_act_is_left_undone_or_unnoted_alone(ready, name, monkeypatch):
    """If the note cannot be written, nothing is done; if nothing can be done, nothing is noted."""

    def fail(*_args, **_named):
        raise RuntimeError("no note")

    before = contents(ready)
    monkeypatch.setattr(access, "note", fail)
    with pytest.raises(RuntimeError, match="no note"):
        CALLS[name](acts_of(ready))
    assert contents(ready) == before


def contents(queue):
    tables = ("tasks", "queues", "concurrency_keys", "crews", "schedules", "sent_events", "audit")
    with queue.transaction() as connection:
        return [
            connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").all()  # noqa: S608
            for table in tables
        ]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("role", [Role.READ, Role.SUBMIT])
def test_an_act_wants_its_role(ready, name, role):
    if role is Role.SUBMIT and name in SUBMITTED:
        CALLS[name](acts_of(ready, role))
        return
    before = contents(ready)
    with pytest.raises(RoleError) as told:
        CALLS[name](acts_of(ready, role))
    assert told.value.needed == (Role.SUBMIT if name in SUBMITTED else Role.OPERATE)
    assert contents(ready) == before


@pytest.mark.parametrize("name", CALLS)
def test_a_server_that_only_shows_does_none(ready, name):
    before = contents(ready)
    with pytest.raises(ReadOnlyError):
        CALLS[name](acts_of(ready, read_only=True))
    assert contents(ready) == before


def test_what_fails_is_not_noted(ready):
    acts = acts_of(ready)
    with pytest.raises(TaskNotFoundError):
        acts.cancel(99)
    with pytest.raises(TaskStateError):
        acts.update(2, priority=1)
    assert ready.audit.list() == []


def test_a_note_tells_what_was_done(ready):
    acts = acts_of(ready)
    acts.enqueue([TASK, TASK])
    acts.cancel(3)
    acts.limit_queue("images", rate=(10, timedelta(minutes=1)))
    done = acts.bulk(Act.CANCEL, status=Status.PENDING)
    assert done.done == 2
    bulk, limit, cancel, enqueue = ready.audit.list()
    assert (enqueue.action, enqueue.detail) == ("enqueue", {"count": 2, "ids": [3, 4]})
    assert (cancel.action, cancel.target) == ("cancel", "3")
    assert (limit.target, limit.detail) == ("images", {"rate": [10, 60.0]})
    assert bulk.detail == {"status": "pending", "done": 2, "refused": 0}
    assert [entry.id for entry in ready.audit.list(limit=2, before=limit.id)] == [
        cancel.id,
        enqueue.id,
    ]


def test_arguments_are_not_noted(ready):
    acts = acts_of(ready)
    acts.enqueue([NewTask(function="work", kwargs={"password": "hunter2"})])
    acts.update(1, kwargs={"password": "hunter2"})
    acts.send_event("approved", {"password": "hunter2"})
    assert "hunter2" not in repr(ready.audit.list())


def test_commands_are_taken_only_where_they_are_allowed(ready):
    command = NewTask(command=["true"])
    waiting = ready.enqueue(command)
    calls = (
        lambda acts: acts.enqueue([TASK, command]),
        lambda acts: acts.update(waiting.id, command=["false"]),
        lambda acts: acts.add_schedule("c", "@daily", command),
    )
    for call in calls:
        with pytest.raises(ForbiddenError, match="commands are not taken here"):
            call(acts_of(ready))
        call(acts_of(ready, allow_commands=True))


def test_our_own_functions_are_not_for_others(ready):
    with pytest.raises(ForbiddenError, match=r"jobrunner\.webhook|jobrunner's own"):
        acts_of(ready).enqueue([NewTask(function="jobrunner.webhook")])


def test_an_act_that_was_in_anothers_way_is_tried_again(ready, monkeypatch):
    tried = []
    cancel = ready.cancel

    def once(task_id):
        tried.append(task_id)
        if len(tried) == 1:
            raise ConflictError("two waited for each other")
        return cancel(task_id)

    monkeypatch.setattr(ready, "cancel", once)
    assert acts_of(ready).cancel(1) == "cancelled"
    assert len(ready.audit.list()) == 1


def test_nobody_acts_without_pause(ready):
    now = 0.0
    rates = Rates(2.0, 3.0, lambda: now)
    acts = Acts(ready, Identity("ada", Role.OPERATE), ServeOptions(), rates)
    other = Acts(ready, Identity("ben", Role.OPERATE), ServeOptions(), rates)
    for _ in range(3):
        acts.pause_queue("images")
    with pytest.raises(TooManyRequestsError) as told:
        acts.pause_queue("images")
    assert told.value.seconds == pytest.approx(0.5)
    other.pause_queue("images")
    now = 0.5
    acts.pause_queue("images")
    with pytest.raises(TooManyRequestsError):
        acts.pause_queue("images")
