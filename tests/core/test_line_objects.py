"""New tasks that are told as lines are read back as the same tasks."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobrunner.core.cache import Cache
from jobrunner.core.errors import PayloadError, UnknownParentError
from jobrunner.core.line_objects import line_objects
from jobrunner.core.lines import checked, read_objects
from jobrunner.core.new_task import NewTask
from jobrunner.core.result import Result
from jobrunner.core.sameness import fingerprint
from jobrunner.core.status import Status
from jobrunner.core.unique import LIVE, WAITING, Unique
from tests.core.made import json as values

keys = st.sampled_from(["a", "$result", "$$result", "result"])
arguments = values | st.dictionaries(keys, values, max_size=2)
spans = st.timedeltas(timedelta(microseconds=1), timedelta(days=30))
uniques = st.sampled_from(
    [
        "key",
        Unique(by=("a",)),
        Unique(key="k", in_=WAITING, within=timedelta(seconds=1)),
        Unique(key="k", in_=LIVE | {Status.FAILED}, on_conflict="ignore"),
        Unique(key="k", on_conflict="replace", max_wait=timedelta(hours=1)),
    ]
)
caches = st.sampled_from([Cache(), Cache(inputs=["{a}"], outputs=["b"], version="2")])
plain = st.fixed_dictionaries(
    {},
    optional={
        "queue": st.sampled_from(["default", "slow/er", "é"]),
        "priority": st.integers(-5, 5),
        "description": st.just("what it is"),
        "delay": spans,
        "expires_in": spans.map(lambda span: span + timedelta(days=31)),
        "run_at": st.just(datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=2)))),
        "timeout": spans,
        "max_attempts": st.integers(1, 9),
        "concurrency_key": st.just("tenant:7"),
        "needs": st.just({"gpu": 0.5}),
        "unique": uniques,
        "cache": caches,
    },
)
functions = st.builds(
    lambda args, a, fields: NewTask(function="work", args=args, kwargs={"a": a}, **fields),
    st.lists(arguments, max_size=2),
    arguments,
    plain,
)
commands = st.sampled_from(
    [
        NewTask(command=["echo", "$result"], cwd="/tmp", result="stdout", results=True),  # noqa: S108
        NewTask(command=("true",)),
    ]
)


def made(function, **fields):
    return NewTask(function=function, **fields)


def read(new):
    lines = json.loads(json.dumps(line_objects(new)))
    return read_objects([checked(at, line) for at, line in enumerate(lines)], made).tasks


@settings(max_examples=200)
@given(st.lists(functions | commands, min_size=1, max_size=3))
def test_what_is_told_is_read_back(new):
    found = read(new)
    for one, other in zip(found, new, strict=True):
        for name in NewTask.__slots__:
            told, given_ = getattr(one, name), getattr(other, name)
            if name in ("args", "command") and given_ is not None:
                told, given_ = list(told), list(given_)
            if isinstance(given_, Cache):
                told, given_ = told.as_json(), given_.as_json()
            if isinstance(given_, Unique) and given_.by is not None:
                assert list(told.by) == list(given_.by)
                continue
            assert told == given_, name


def test_edges_and_results_go_by_refs_and_ids():
    first = NewTask(function="a")
    second = NewTask(function="b", args=[first, {"$result": 1}, Result(7)], after_any=[9])
    third = NewTask(command=["echo", first], after=[second])
    lines = line_objects([third, second, first])
    assert lines == [
        {"command": ["echo", {"$result": "2"}], "after": ["1"]},
        {
            "function": "b",
            "args": [{"$result": "2"}, {"$$result": 1}, {"$result": 7}],
            "after_any": [9],
            "ref": "1",
        },
        {"function": "a", "ref": "2"},
    ]
    found = read([third, second, first])
    assert fingerprint(found) == fingerprint([third, second, first])


def test_a_moment_is_told_in_utc():
    (line,) = line_objects([NewTask(function="a", run_at=datetime(2026, 1, 1, tzinfo=UTC))])
    assert line["run_at"] == "2026-01-01T00:00:00+00:00"


def test_a_parent_of_another_call_is_refused():
    with pytest.raises(UnknownParentError):
        line_objects([NewTask(function="a", after=[NewTask(function="b")])])


@pytest.mark.parametrize("value", [{1, 2}, float("nan"), "\0"])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(PayloadError):
        line_objects([NewTask(function="a", args=[value])])
