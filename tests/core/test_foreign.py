"""What waits elsewhere becomes tasks here, parents first, or is refused with its reason."""

import gzip
import pickle
import zlib

import pytest

from jobrunner import NewTask
from jobrunner.core import huey_message, rq_job, unpickled
from jobrunner.core.foreign import Foreign, prepared


def make(function, **fields):
    return NewTask(function=function, **fields)


def test_parents_may_stand_behind_what_waits_for_them():
    found = [
        Foreign(key="b", function="f", after=["a"]),
        Foreign(key="a", function="f", args=[1]),
        Foreign(key="c", function="f", after=["b"], in_any_case=True),
    ]
    ready = prepared(found, make, queue=None)
    assert (list(ready.new), ready.refused) == (["a", "b", "c"], {})
    assert ready.new["b"].after == [ready.new["a"]]
    assert ready.new["c"].after_any == [ready.new["b"]]
    assert {one.unique.key for one in ready.new.values()} == {"a", "b", "c"}


def test_what_waits_for_something_that_does_not_come_is_refused():
    found = [
        Foreign(key="odd", function="f", args=[object()]),
        Foreign(key="behind", function="f", after=["odd"]),
        Foreign(key="lonely", function="f", after=["gone"]),
        Foreign(key="left", function="f", after=["right"]),
        Foreign(key="right", function="f", after=["left"]),
    ]
    ready = prepared(found, make, queue=None)
    assert not ready.new
    assert "is not JSON" in ready.refused.pop("odd")
    assert ready.refused == {
        "behind": "waits for odd, which cannot be imported",
        "lonely": "waits for gone, which is not pending",
        "left": "waits for itself",
        "right": "waits for itself",
    }


def huey_message_of(*values):
    """A message as Huey pickles it: the class by its name, called with the values."""
    body = pickle.dumps(values, 2)[2:-1]
    return b"\x80\x02chuey.registry\nMessage\n" + body + b"\x81."


@pytest.mark.parametrize("compress", [bytes, zlib.compress, gzip.compress])
def test_messages_of_older_hueys_are_read_too(compress):
    first = huey_message_of("7", "tasks.add", None, 1, 0, (2, 3), {"c": 4}, None, None)
    told = huey_message.read(compress(first), number=1)
    assert (told.key, told.function, told.problem) == ("huey:7", "tasks.add", None)
    assert (told.args, told.kwargs, told.max_attempts) == ([2, 3], {"c": 4}, 2)
    later = huey_message_of("8", "tasks.add", None, 0, 0, 9, (), {}, None, None)
    assert huey_message.read(compress(later), number=2).priority == 9
    odd = huey_message.read(compress(pickle.dumps("a text")), number=3)
    assert (odd.key, odd.problem) == ("huey:#3", "is no message of Huey")


@pytest.mark.parametrize(
    ("text", "seconds"), [("180", 180), ("2m", 120), ("-1", None), ("x", None)]
)
def test_timeouts_of_rq_are_read(text, seconds):
    told = rq_job.read(
        "1",
        {"data": b'["f", null, [], {}]', "timeout": text.encode()},
        at=None,
        allow_pickle=False,
    )
    assert (told.problem, told.timeout and told.timeout.total_seconds()) == (None, seconds)


def test_a_pickle_of_plain_data_is_read():
    value = {"a": [1, 2.5, None, True, "text", b"bytes", (1,), {2}]}
    assert unpickled.read(pickle.dumps(value), {}) == value
