"""`jobrunner enqueue --cache`: an unchanged task is not run again, and that is told."""

import pytest


def run(cli, *words):
    """Enqueue, work, and tell how the attempts have ended."""
    ran = cli("enqueue", *words)
    assert ran.code == 0, ran
    cli.drain()
    shown = cli("task", "show", ran.out.strip(), "--json").json
    return [attempt["outcome"] for attempt in shown["attempts"]]


def test_an_unchanged_command_is_not_run_again(cli):
    (cli.folder / "in").write_text("1")
    words = ["--cache", "--input", "in", "--output", "out", "--", "cp", "in", "out"]
    assert run(cli, *words) == ["completed"]
    assert run(cli, *words) == ["cached"]
    assert "1 completed, 1 from cache" in cli("report").out
    assert cli("report", "--json").json["attempts"]["cached"] == 1
    assert "from cache" in cli("task", "show", 2).out
    (cli.folder / "in").write_text("2")
    assert run(cli, *words) == ["completed"]
    assert (cli.folder / "out").read_text() == "2"


def test_an_unchanged_function_is_not_run_again(cli):
    assert run(cli, "add", "a:=1", "--cache") == ["completed"]
    assert run(cli, "add", "a:=1", "--cache") == ["cached"]
    assert run(cli, "add", "a:=2", "--cache") == ["completed"]
    assert run(cli, "add", "a:=1") == ["completed"]


def test_json_lines_ask_for_it_too(cli):
    (cli.folder / "in").write_text("1")
    lines = [
        {"function": "add", "args": [1], "cache": True},
        {"function": "add", "args": [1], "cache": {"inputs": ["in"], "version": "3"}},
        {"function": "add", "args": [1], "cache": False},
    ]
    name = cli.lines(*lines, *lines)
    assert cli("enqueue", "--from", name).code == 0
    cli.drain()
    ends = [cli("task", "show", n, "--json").json["attempts"][0]["outcome"] for n in range(1, 7)]
    assert ends == ["completed", "completed", "completed", "cached", "cached", "completed"]


@pytest.mark.parametrize(
    ("cache", "error"),
    [
        ({"inputs": "in"}, "inputs must be a list of files"),
        ({"inputs": [7]}, "inputs must be text"),
        ({"files": []}, "cache knows no 'files'; it knows inputs, outputs, version"),
        ("yes", "cache must be true or an object"),
    ],
)
def test_a_line_with_a_wrong_cache_is_named(cli, cache, error):
    for work in ({"function": "add"}, {"command": ["ls"]}):
        ran = cli("enqueue", "--from", cli.lines(work | {"cache": cache}))
        assert (ran.code, f"line 1: {error}" in ran.err) == (2, True), ran


def test_files_without_a_cache_are_refused(cli):
    ran = cli("enqueue", "--input", "a", "--", "ls")
    assert ran.code == 2
    assert "--input and --output are for --cache" in ran.err
