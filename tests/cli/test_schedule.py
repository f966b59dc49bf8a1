"""`jobrunner schedule`: add, look, pause, run, remove; what is wrong is told in a sentence."""

import pytest

from jobrunner import Worker


def test_a_schedule_of_a_function_is_told_in_words_and_with_its_next_ticks(cli):
    ended = cli(
        *("schedule", "add", "nightly", "0 2 * * *", "--tz", "Europe/Paris"),
        *("thumbnail", "path=a.png", "width:=400", "-A", "application", "--missed", "all"),
    )
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert "in words\tAt 02:00 every day, Europe/Paris time" in lines
    assert "missed\tall, at most 100" in lines
    told = [line for line in lines if line.startswith("next\t")]
    assert len(told) == 5
    assert all(" 02:00:00 CE" in line and line.endswith(" UTC") for line in told)
    task = cli("schedule", "show", "nightly", "--json").json["task"]
    assert task == {
        "function": "thumbnail",
        "kwargs": {"path": "a.png", "width": 400},
        "queue": "slow",
        "timeout": 60.0,
    }


def test_a_schedule_of_a_command_stands_behind_the_dashes(cli):
    ended = cli(
        "schedule", "add", "backup", "@daily", "-q", "night", "--", "rsync", "-a", "--", "b"
    )
    assert ended.code == 0
    found = cli("schedule", "list", "--json").json
    assert found[0]["task"] == {"command": ["rsync", "-a", "--", "b"], "queue": "night"}
    assert (found[0]["cron"], found[0]["every"], found[0]["tz"]) == ("@daily", None, "UTC")
    listed = cli("schedule", "list").out.splitlines()
    assert listed[0] == "name\trule\tzone\tnext\ttask"
    assert listed[1].startswith("backup\t@daily\tUTC\t")
    assert listed[1].endswith("\trsync -a -- b")


def test_an_interval_in_two_ways(cli):
    cli("schedule", "add", "a", "--every", "1h30m", "--anchor", "2026-01-01T00:00+00:00", "poll")
    cli("schedule", "add", "b", "@every 90m", "poll", "--overlap", "queue")
    one, other = cli("schedule", "list", "--json").json
    assert (one["every"], one["in_words"]) == (5400.0, "Every 1 hour 30 minutes")
    assert one["anchor_at"] == "2026-01-01T00:00:00.000000Z"
    assert (other["every"], other["overlap"]) == (5400.0, "queue")


def test_its_ticks_are_shown_with_their_tasks(cli):
    cli("schedule", "add", "often", "--every", "1s", "--", "true")
    Worker(cli.queue).run(max_tasks=1)
    *_, tick = cli("schedule", "show", "often", "--json").json["ticks"]  # the first of all
    assert (tick["task_id"], tick["status"]) == (1, "completed")
    line = cli("schedule", "show", "often").out.splitlines()[-1]
    assert line.startswith("last\t")
    assert line.endswith("UTC: task 1, completed")


def test_pause_resume_run_and_remove(cli):
    cli("schedule", "add", "backup", "@daily", "--", "true")
    assert cli("schedule", "pause", "backup").out == "schedule backup: paused\n"
    assert "\tpaused\t" in cli("schedule", "list").out
    assert cli("schedule", "show", "backup", "--json").json["upcoming"] == []
    assert cli("schedule", "resume", "backup", "--json").json["paused_at"] is None
    assert cli("schedule", "run", "backup").out == "1\n"
    assert cli("schedule", "run", "backup", "--json").json == {"id": 2}
    assert cli("schedule", "remove", "backup").out == "schedule backup: removed\n"
    assert cli("schedule", "list", "--json").json == []


@pytest.mark.parametrize("command", ["show", "pause", "resume", "run", "remove"])
def test_an_unknown_schedule_is_not_found(cli, command):
    cli("schedule", "add", "backup", "@daily", "--", "true")
    ended = cli("schedule", command, "bakcup", "--json")
    assert (ended.code, ended.error["hint"]) == (3, "Did you mean 'backup'?")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["0 0 2 * * *", "poll"], "six fields"),
        (["0 0 30 2 *", "poll"], "never fires"),
        (["@daily", "--tz", "Paris", "poll"], "no time zone 'Paris'"),
        (["@daily"], "a function, or a command"),
        ([], "a function, or a command"),
        (["@daily", "poll", "--", "ls"], "a function, or a command"),
        (["@daily", "--"], "a function, or a command"),
        (["@daily", "--anchor", "2026-01-01", "poll"], "an anchor goes with an interval"),
        (["--every", "soon", "poll"], "no length of time"),
        (["--every", "0", "poll"], "an interval must be"),
        (["@daily", "poll", "x"], "is no argument"),
        (["@daily", "poll", "--missed-cap", "0"], "missed_cap must be from 1"),
        (["@daily", "poll", "--missed", "some"], "some"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_and_nothing_stored(cli, words, says):
    ended = cli("schedule", "add", "a", *words)
    assert (ended.code, ended.out) == (2, "")
    assert says in ended.err
    assert not (cli.folder / "jobs.db").exists() or cli("schedule", "list", "--json").json == []
