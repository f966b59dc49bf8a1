"""A task that is stored again and again is read as it was given."""

from datetime import UTC, datetime, timedelta

import pytest

from jobrunner.core import template
from jobrunner.core.cache import Cache
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.unique import WAITING, Unique

FULL = NewTask(
    function="work",
    args=[1, "a"],
    kwargs={"b": [None, 2.5]},
    queue="slow",
    priority=-3,
    description="Work, and more",
    delay=timedelta(milliseconds=1500),
    timeout=timedelta(microseconds=1),
    max_attempts=2,
    concurrency_key="tenant",
    needs={"gpu": 1},
    unique=Unique(by=("b",), within=timedelta(days=1), in_=WAITING),
    expires_in=timedelta(hours=1),
    cache=Cache(inputs=("a.txt",), version="2"),
)


def same(one, other):
    return {name: getattr(one, name) for name in one.__slots__} == {
        name: getattr(other, name) for name in other.__slots__
    }


def test_every_field_comes_back():
    read = template.decode(template.encode(FULL))
    assert template.encode(read) == template.encode(FULL)
    for name in ("args", "kwargs", "queue", "delay", "timeout", "needs", "expires_in"):
        assert getattr(read, name) == getattr(FULL, name)
    assert read.unique.in_ == WAITING
    assert read.unique.within == timedelta(days=1)
    assert read.cache.version == "2"


def test_a_plain_task_is_a_short_text():
    assert template.encode(NewTask(function="work")) == '{"function":"work"}'
    command = NewTask(command=("ls", "-l"), cwd="/tmp")  # noqa: S108 — a name
    assert template.encode(command) == '{"command":["ls","-l"],"cwd":"/tmp"}'


def test_who_is_to_be_unique_gives_way_without_an_error():
    for unique in ("key", Unique(key="key")):
        read = template.decode(template.encode(NewTask(function="work", unique=unique)))
        assert (read.unique.key, read.unique.on_conflict) == ("key", "ignore")
    kept = NewTask(function="work", unique=Unique(key="k", on_conflict="replace"))
    assert template.decode(template.encode(kept)).unique.on_conflict == "replace"


@pytest.mark.parametrize(
    "once",
    [
        {"after": [1]},
        {"after_any": [1]},
        {"run_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
    ids=str,
)
def test_what_belongs_to_one_moment_is_refused(once):
    with pytest.raises(InvalidTaskError, match="holds for one task only"):
        template.encode(NewTask(function="work", **once))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "5",
        '{"function":5}',
        '{"function":"f","colour":1}',
        '{"unique":5}',
        "[" * 99999,
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_task_is_told_as_such(text):
    with pytest.raises(InvalidTaskError):
        template.decode(text)


def test_arguments_that_are_not_json_are_refused():
    with pytest.raises(InvalidTaskError, match="not JSON"):
        template.encode(NewTask(function="work", args=[object()]))
