"""What two tasks are the same by; rules that make no sense are refused by their fields' names."""

import subprocess
import sys
from datetime import timedelta

import pytest

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.unique import LIVE, LONGEST_KEY, WAITING, Unique, made_key

MINUTE = timedelta(minutes=1)
GAPS = [LIVE - {status} for status in LIVE - {Status.IN_PROGRESS}]
BAD = {
    "unique": [{"key": word} for word in ("", "x" * 501, "a\0", "\ud800", 5, b"a")],
    "unique.by": [{"by": by} for by in ("path", 5, [5], {"path"})] + [{"key": "k", "by": ["a"]}],
    "unique.within": [{"within": span} for span in (5, "1h", timedelta(), -MINUTE, timedelta.max)],
    "unique.max_wait": [
        {"max_wait": MINUTE},
        {"max_wait": MINUTE, "on_conflict": "ignore"},
        *({"max_wait": span, "on_conflict": "replace"} for span in (5, -MINUTE, timedelta())),
    ],
    "unique.on_conflict": [{"on_conflict": word} for word in ("skip", "", None, 5, ["error"])],
    "unique.in_": [
        *({"in_": found} for found in (frozenset(), {Status.COMPLETED}, WAITING | {"failed"})),
        *({"in_": found} for found in GAPS),
        *({"in_": found} for found in ("live", 5, None, {"running"}, {5}, [["pending"]])),
    ],
}


@pytest.mark.parametrize(
    ("field", "rule"), [(field, rule) for field, bad in BAD.items() for rule in bad]
)
def test_a_bad_rule_is_refused_by_the_name_of_its_field(field, rule):
    with pytest.raises(InvalidTaskError) as refused:
        Unique(**rule)
    assert refused.value.field == field
    assert str(refused.value).startswith(field)


@pytest.mark.parametrize("unique", ["", 5, b"k", ["k"], {"key": "k"}, True])
def test_what_is_no_rule_is_refused(unique):
    with pytest.raises(InvalidTaskError) as refused:
        NewTask(function="work", unique=unique)
    assert refused.value.field == "unique"


@pytest.mark.parametrize("end", [{"completed"}, {"failed", "cancelled"}, set(Status) - LIVE])
def test_the_sets_without_a_gap_are_these(end):
    assert Unique(in_=LIVE).in_ == LIVE
    assert Unique(in_=WAITING).in_ == WAITING
    assert Unique(in_={*LIVE, *end}).in_ == LIVE | {Status(word) for word in end}
    assert Unique(in_=["pending", "blocked", "scheduled"]).in_ == WAITING


def key(unique=None, **fields):
    task = NewTask(**({"function": "work"} | fields), unique=unique or Unique())
    return task.rule.key


def test_a_key_is_taken_as_it_is():
    assert key("the daily one") == key(Unique(key="the daily one")) == "the daily one"


def test_a_key_of_a_call_has_its_arguments_in_order():
    assert key(kwargs={"b": 1, "a": {"d": 2, "c": [None, "é"]}}) == (
        'work({"a":{"c":[null,"é"],"d":2},"b":1})'
    )
    assert key(kwargs={"b": 1, "a": 2}) == key(kwargs={"a": 2, "b": 1})


def test_only_what_by_names_counts():
    rule = Unique(by=["path"])
    assert key(rule, kwargs={"path": "a", "width": 1}) == key(
        rule, kwargs={"path": "a", "width": 2}
    )
    assert key(rule, kwargs={"path": "a"}) != key(rule, kwargs={"path": "b"})
    assert key(Unique(by=[]), kwargs={"path": "a"}) == "work({})"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"kwargs": {"a": 1}}, {"kwargs": {"a": "1"}}),
        ({"kwargs": {"a": 1}}, {"kwargs": {"a": True}}),
        ({"kwargs": {"a": 1}}, {"kwargs": {"b": 1}}),
        ({"function": "a"}, {"function": "b"}),
        ({"function": None, "command": ["ls"]}, {"function": None, "command": ["ls", "."]}),
        (
            {"function": None, "command": ["ls"], "cwd": "/a"},
            {"function": None, "command": ["ls"], "cwd": "/b"},
        ),
        ({"kwargs": {"a": "x" * 600 + "1"}}, {"kwargs": {"a": "x" * 600 + "2"}}),
    ],
)
def test_different_calls_have_different_keys(one, other):
    assert key(**one) == key(**one) != key(**other)


def test_a_long_key_is_short_and_can_be_read():
    made = made_key("work", {"path": "x" * 10_000})
    assert made.startswith('work({"path":"xxx')
    assert len(made) < LONGEST_KEY


def test_a_key_is_the_same_in_every_process():
    program = (
        "from jobrunner.core.unique import made_key;"
        "print(made_key('work', {'b': ['x' * 600], 'a': 1}))"
    )
    said = [subprocess.check_output([sys.executable, "-c", program], text=True) for _ in range(2)]
    assert {word.strip() for word in said} == {made_key("work", {"a": 1, "b": ["x" * 600]})}


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (Unique(), {"args": [1]}),
        (Unique(by=["path"]), {"args": ["a"]}),
        (Unique(by=["path"]), {"kwargs": {"width": 1}}),
    ],
)
def test_of_a_function_known_by_name_what_counts_is_passed_by_keyword(rule, fields):
    with pytest.raises(InvalidTaskError, match="pass what counts by keyword, or give a key"):
        NewTask(function="work", unique=rule, **fields)


def test_a_command_has_no_arguments_to_choose_from():
    with pytest.raises(InvalidTaskError, match="goes with a function"):
        NewTask(command=["ls"], unique=Unique(by=["path"]))


def test_what_waits_for_others_replaces_nothing():
    rule = Unique(key="k", on_conflict="replace")
    with pytest.raises(InvalidTaskError, match="where a task waits for others"):
        NewTask(function="work", unique=rule, after=[1])
    with pytest.raises(InvalidTaskError, match="where a task waits for others"):
        NewTask(function="work", unique=rule, after_any=[1])


def test_what_is_not_json_makes_no_key():
    with pytest.raises(InvalidTaskError) as refused:
        NewTask(function="work", kwargs={"path": object()}, unique=Unique())
    assert refused.value.field == "args"
