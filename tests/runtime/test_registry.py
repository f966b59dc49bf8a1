"""Functions by name: called, bound, enqueued, and found again in another process."""

import asyncio
import pickle
from datetime import timedelta

import pytest

from jobrunner import InvalidTaskError, Task, TaskQueue, UnknownFunctionError
from jobrunner.core.errors import DuplicateFunctionError
from jobrunner.core.events import ignore
from jobrunner.runtime.registry import Function, Reference, Registry
from jobrunner.storage import store
from tests.runtime import functions as f


def one():
    """A function."""


def another():
    """Another one."""


def test_a_registered_function_is_called_as_it_is():
    assert f.add(1, right=2) == 3
    assert asyncio.run(f.add_async(1, 2)) == 3


def test_its_name_is_the_functions_own_unless_given(location):
    queue = TaskQueue(location)
    assert queue.task(one).name == "one"
    assert queue.task(name="two")(another).name == "two"
    assert queue.registry.names == ["one", "two"]


def test_two_functions_of_one_name_are_refused():
    registry = Registry()
    registry.add(Function("work", one))
    with pytest.raises(DuplicateFunctionError, match="two functions are named 'work'"):
        registry.add(Function("work", another))
    assert registry.get("work").call is one


def test_the_same_function_again_replaces_itself():
    registry = Registry()
    registry.add(Function("one", one))
    registry.add(Function("one", one, no_retry_on=(ValueError,)))
    assert registry.get("one").no_retry_on == (ValueError,)


def test_an_unknown_name_says_which_are_known():
    registry = Registry()
    registry.add(Function("one", one))
    with pytest.raises(UnknownFunctionError) as caught:
        registry.get("two")
    assert caught.value.hint == "Known functions: one."


def test_a_coroutine_function_is_known_as_one():
    assert f.add_async.registered.is_async
    assert not f.add.registered.is_async


def test_using_changes_options_and_leaves_the_function_as_it_was():
    fast = f.add.using(priority=5).using(delay=2.5, timeout=60)
    new = fast.bind(1, right=2)
    assert (new.function, tuple(new.args), new.kwargs) == ("add", (1,), {"right": 2})
    assert (new.priority, new.delay, new.timeout) == (
        5,
        timedelta(seconds=2.5),
        timedelta(seconds=60),
    )
    assert f.add.bind(1, 2).priority == 0


def test_options_of_the_decorator_hold_unless_using_says_otherwise(location):
    queue = TaskQueue(location)
    work = queue.task(queue="images", max_attempts=2)(one)
    assert (work.bind().queue, work.bind().max_attempts) == ("images", 2)
    assert work.using(queue="other").bind().queue == "other"
    task = work.enqueue()
    assert isinstance(task, Task)
    assert (task.function, task.queue, task.max_attempts) == ("one", "images", 2)
    queue.close()


@pytest.mark.parametrize(
    "options", [{"priority": "high"}, {"delay": -1}, {"timeout": 0}, {"max_attempts": 0}]
)
def test_an_option_that_is_not_right_is_refused_when_it_is_bound(options):
    with pytest.raises(InvalidTaskError):
        f.add.using(**options).bind(1, 1)


def test_a_reference_finds_its_function_again():
    reference = f.block.registered.reference
    assert reference == Reference("block", f.__name__)
    found = pickle.loads(pickle.dumps(reference)).load("unused.db")  # noqa: S301
    assert found is f.block.registered


def test_a_function_that_is_found_again_at_the_same_place_opens_nothing(location, monkeypatch):
    queue = TaskQueue(location)
    monkeypatch.setattr(store, "Database", None)
    assert queue.relocate(queue.store.location) == queue.store.location
    queue.close()


def test_a_reference_to_nothing_is_refused():
    with pytest.raises(UnknownFunctionError):
        Reference("gone", f.__name__).load("unused.db")


def test_a_queue_that_was_sent_to_another_process_has_the_same_functions(location):
    queue = TaskQueue(location, emit=ignore)
    queue.registry.add(f.add.registered)
    task = queue.enqueue(f.add.bind(1, 2))
    again = pickle.loads(pickle.dumps(queue))  # noqa: S301
    assert again.registry.names == ["add"]
    assert again.get(task.id) == task
    assert again.emit is ignore
    again.close()
    queue.close()
