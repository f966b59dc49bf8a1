"""Whole graphs on the command line: results, batches, rewinds, and plans of files."""

import json

import pytest

from jobrunner.cli.plan import Problem, read_plan
from jobrunner.core import plan
from jobrunner.core.new_task import NewTask


def say(word, **fields):
    return {"command": ["echo", word], "result": "stdout"} | fields


def test_a_line_is_given_the_results_of_others(cli):
    stored = cli.enqueue("add", args=[40, 2])
    cli.lines(
        say("a b", ref="text"),
        {"ref": "sum", "function": "add", "args": [1, {"$result": stored}]},
        {"ref": "all", "function": "thumbnail", "kwargs": {"path": [{"$result": "text"}, {}]}},
        {"ref": "show", "command": ["echo", {"$result": "sum"}], "result": "stdout"},
    )
    ran = cli("enqueue", "--from", "tasks.jsonl", "--json")
    assert ran.code == 0, ran.err
    cli.drain()
    cli.drain()
    ids = ran.json
    results = {name: cli.queue.get(task_id).returned for name, task_id in ids.items()}
    assert results == {
        "text": "a b",
        "sum": 43,
        "all": "['a b', {}] at 200",
        "show": "43",
    }
    shown = cli("task", "show", ids["show"])
    assert f"<result of task {ids['sum']}>" in shown.out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"function": "add", "args": [{"$result": "nobody"}]}, "task nobody, which does not exist"),
        ({"function": "add", "args": [{"$result": 99}]}, "task 99, which does not exist"),
        ({"command": ["ls", {"$result": 99}]}, "task 99, which does not exist"),
        ({"function": "add", "args": [{"$result": True}]}, "stands alone"),
        ({"function": "add", "args": [{"$result": "a", "b": 1}]}, "stands alone"),
        ({"function": "add", "args": [{"$result": -1}]}, "result must be from 1"),
        ({"function": "add", "result": "stdout"}, "goes with a command"),
        ({"command": ["ls"], "results": 1}, "results must be true or false"),
    ],
)
def test_a_wrong_result_is_named_with_its_line(cli, line, said):
    cli.lines(say("a", ref="a"), line)
    ran = cli("enqueue", "--from", "tasks.jsonl")
    assert ran.code == 2
    assert "line 2: " in ran.err
    assert said in ran.err
    assert sum(cli.queue.counts().values()) == 0


def test_a_command_gets_the_results_file(cli):
    parent = cli.enqueue("add", args=[1, 2])
    ran = cli(
        *("enqueue", "--after", parent, "--results", "--result", "stdout"),
        *("--", "sh", "-c", 'cat "$JOBRUNNER_RESULTS"'),
    )
    cli.drain()
    assert json.loads(cli.queue.get(int(ran.out)).returned) == {str(parent): 3}


def test_lines_become_a_batch_with_callbacks(cli):
    cli.lines(
        {"ref": "one", "function": "add", "args": [1]},
        {"ref": "report", "function": "add", "args": [5]},
        {"ref": "two", "function": "fail", "max_attempts": 1},
        {"ref": "alarm", "function": "add", "args": [9]},
    )
    options = ("--batch", "nightly", "--on-end", "report", "--on-failure", "alarm")
    ran = cli("enqueue", "--from", "tasks.jsonl", *options, "--json")
    batch_id, ids = ran.json["batch_id"], ran.json["tasks"]
    listed = cli("batch", "list", "--json").json
    assert listed == [cli("batch", "show", batch_id, "--json").json]
    assert listed[0]["description"] == "nightly"
    assert (listed[0]["on_end"], listed[0]["on_failure"]) == (ids["report"], ids["alarm"])
    assert listed[0]["tasks"]["pending"] == 2
    assert not listed[0]["ended"]
    members = cli("task", "list", "--batch", batch_id, "--json").json
    assert [task["id"] for task in members] == [ids["two"], ids["one"]]
    cli.drain()
    shown = cli("batch", "show", batch_id).out
    assert f"on end\ttask {ids['report']}: completed" in shown
    assert f"on failure\ttask {ids['alarm']}: completed" in shown
    assert "tasks\t1 completed, 1 failed" in shown
    assert "nightly\t2\tyes" in cli("batch", "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--batch", "x", "--on-end", "nobody"), "--on-end: no line has the ref 'nobody'"),
        (("--on-end", "a"), "a batch is made of the lines"),
        (("--batch", "x", "--on-end", "a", "--on-success", "a"), "a task of its own"),
    ],
)
def test_a_batch_without_meaning_is_refused(cli, words, said):
    cli.lines({"ref": "a", "function": "add", "args": [1]})
    ran = cli("enqueue", "--from", "tasks.jsonl", *words)
    assert ran.code == 2
    assert said in ran.err
    assert cli("enqueue", "add", "--batch", "x").code == 2
    assert cli("enqueue", "add", "--plan").code == 2


def test_an_unknown_batch_is_told(cli):
    cli.enqueue()
    ran = cli("batch", "show", 99)
    assert ran.code == 3
    assert "there is no batch 99" in ran.err
    assert cli("task", "list", "--batch", 2**70, "--json").json == []


def test_a_task_is_rewound_with_all_below_it(cli):
    first = cli.enqueue("add", args=[1])
    bad = cli.enqueue("fail", after=[first], max_attempts=1)
    last = cli.enqueue("add", args=[2], after=[bad])
    cli.drain()
    ran = cli("task", "retry", first, "--failed-only")
    assert ran.out == f"task {first}: 2 rewound\n"
    assert [cli.queue.get(i).status for i in (first, bad, last)] == [
        "completed",
        "pending",
        "blocked",
    ]
    cli.drain()
    assert cli("task", "retry", first, "--downstream", "--json").json == {str(first): "3 rewound"}
    ran = cli("task", "retry", last, "--downstream")
    assert ran.code == 1
    assert f"task {last} is blocked; only what has ended can be rewound" in ran.err


def make(function, **fields):
    return NewTask(function=function, **fields)


def test_a_plan_tells_all_problems_by_their_lines(cli):
    cli.lines(
        {"ref": "a", "function": "add", "after": ["c"]},
        {"ref": "b", "function": "nobody", "after": ["a", "x"], "priority": "high"},
        {"ref": "c", "function": "add", "after": ["a"]},
        {"ref": "c", "function": "add"},
        "no json",
        {"ref": "d", "function": "add", "args": [{"$result": "y"}], "after": [12]},
        {"ref": "e", "function": "add", "priority": "high", "after_any": ["z"]},
        {"ref": "f", "function": "add", "after": ["f"]},
    )
    ran = cli("-A", "application:queue", "enqueue", "--from", "tasks.jsonl", "--plan", "--json")
    assert ran.code == 2
    told = [(one["line"], one["message"][:30]) for one in ran.json["problems"]]
    assert told == [
        (1, "these wait for each other: a -"),
        (2, "no function named 'nobody' is "),
        (2, "no line has the ref 'x'"),
        (4, "ref 'c' stands already at line"),
        (5, "it is not JSON: Expecting valu"),
        (6, "no line has the ref 'y'"),
        (7, "no line has the ref 'z'"),
        (7, "priority must be an integer, n"),
        (8, "these wait for each other: f -"),
    ]
    assert ran.error["message"] == "the file has 9 problems; nothing was enqueued"
    assert ran.json["stored_parents"] == [12]
    text = cli("-A", "application:queue", "enqueue", "--from", "tasks.jsonl", "--plan")
    assert text.code == 2
    assert "line 4: ref 'c' stands already at line 3" in text.out


def test_a_plan_shows_the_graph_and_makes_no_database(cli):
    stem = [{"ref": "in", "function": "add"}]
    middle = [say(n, ref=f"m{n}", after=["in"], description="cut") for n in "123"]
    end = [{"ref": "out", "function": "add", "args": [{"$result": f"m{n}"} for n in "123"]}]
    cli.lines(*stem, *middle, *end)
    ran = cli("--db", "none.db", "enqueue", "--from", "tasks.jsonl", "--plan")
    assert ran.code == 0
    assert ran.out.splitlines()[:4] == [
        "tasks\t5",
        "dependencies\t6",
        "layers\t3",
        "critical path\t3",
    ]
    assert "2\t3\t3 of cut" in ran.out
    assert "longest: in → m1 → out" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    ran = cli("--db", "none.db", "enqueue", "--from", "tasks.jsonl", "--plan", "--json")
    assert ran.json["layers"] == [["in"], ["m1", "m2", "m3"], ["out"]]
    assert ran.json["critical_path"] == ["in", "m1", "out"]
    assert not (cli.folder / "none.db").exists()


def test_a_plan_of_nothing_is_empty(cli):
    cli.lines()
    ran = cli("enqueue", "--from", "tasks.jsonl", "--plan", "--json")
    assert (ran.code, ran.json["tasks"], ran.json["critical_path"]) == (0, 0, [])


def test_a_long_chain_is_planned_in_short():
    data = b"".join(
        json.dumps({"ref": f"r{n}", "function": "f", "after": [f"r{n - 1}"] if n else []}).encode()
        + b"\n"
        for n in range(20_000)
    )
    found = read_plan(data, make)
    assert found.problems == []
    assert len(plan.longest(found.parents)) == len(plan.layers(found.parents)) == 20_000


def test_every_cycle_is_found_once_and_what_is_below_is_none():
    parents = {1: [2], 2: [1], 3: [1, 2], 4: [5], 5: [6], 6: [4], 7: [], 8: [7, 7]}
    assert sorted(map(sorted, plan.cycles(parents))) == [[1, 2], [4, 5, 6]]
    assert plan.layers(parents) == [[7], [8]]
    assert plan.longest(parents) == [7, 8]
    problems = read_plan(b'{"function":"f","ref":1}', make).problems
    assert problems == [Problem(1, "ref must be a text")]
