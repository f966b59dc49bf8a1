"""`task retry|cancel|delete` by filter, `db retention`, `db prune`: counts first, and says what."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def ended(cli):
    """Tasks 1 and 3 have failed, 2 has completed, 4 waits for a day."""
    cli.enqueue("fail", max_attempts=1)
    cli.enqueue()
    cli.enqueue("fail", queue="b", max_attempts=1)
    cli.drain()
    cli("enqueue", "add", "a:=1", "--delay", "1d")
    return cli


def statuses(cli):
    return {task.id: task.status.value for task in cli.queue.find()}


def test_failed_tasks_are_retried_by_what_they_have_in_common(ended):
    ran = ended("task", "retry", "--queue", "b", "--error", "out of luck")
    assert (ran.code, ran.out) == (0, "1 of 1 tasks: will run again.\n")
    assert statuses(ended) == {1: "failed", 2: "completed", 3: "pending", 4: "scheduled"}
    assert ended("task", "retry", "--all", "--json").json == {
        "matched": 1,
        "done": 1,
        "refused": 0,
        "first_refused": [],
        "dry_run": False,
    }


def test_a_dry_run_tells_how_many_and_changes_nothing(ended):
    before = statuses(ended)
    ran = ended("task", "delete", "--all", "--dry-run")
    assert (ran.code, ran.out) == (0, "3 tasks match; nothing was changed.\n")
    assert ended("task", "cancel", "--all", "--dry-run", "--json").json["matched"] == 1
    assert statuses(ended) == before


def test_waiting_tasks_are_cancelled_and_ended_ones_deleted(ended):
    assert ended("task", "cancel", "--function", "add").out.startswith("1 of 1 tasks")
    assert ended("task", "delete", "--status", "failed").out == "2 of 2 tasks: deleted.\n"
    assert statuses(ended) == {2: "completed", 4: "cancelled"}


def test_tasks_are_deleted_by_their_ids_and_what_is_needed_is_named(cli):
    cli.enqueue()
    cli.enqueue(after=[1])
    ran = cli("task", "delete", 1, 99)
    assert (ran.code, ran.out) == (1, "0 of 2 tasks: deleted.\n")
    first, second = ran.err.splitlines()
    assert first == "jobrunner: task 99 does not exist."
    assert second.startswith("jobrunner: task 1 is needed by task 2, which has not ended; 2 tasks")
    assert cli("task", "delete", 2, 1).out == "2 of 2 tasks: deleted.\n"
    assert statuses(cli) == {}


def test_where_nothing_matches_the_exit_code_says_so(ended):
    for command in ("retry", "cancel", "delete"):
        ran = ended("task", command, "--queue", "none")
        assert (ran.code, ran.out) == (3, "")
        assert "no task matches" in ran.err
    assert ended("task", "retry", "--batch", 5, "--json").error["code"] == "nothing_matched"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "no tasks are named"),
        (("1", "--all"), "not by both"),
        (("--status", "completed"), "a task that is completed cannot be handled by retry"),
        (("--older-than", "soon"), "'soon' is no length of time"),
    ],
)
def test_what_has_no_meaning_is_refused(ended, words, said):
    ran = ended("task", "retry", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_age_is_told_in_spans(ended):
    assert ended("task", "retry", "--older-than", "1h").code == 3
    assert ended("task", "retry", "--newer-than", "1h").out.startswith("2 of 2 tasks")


def test_somebody_at_a_terminal_is_asked_about_very_many(cli):
    cli("enqueue", "--from", cli.lines(*[{"function": "add", "args": [1]}] * 101))
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "jobrunner", "task", "cancel", "--all"]
    with subprocess.Popen(
        command, cwd=cli.folder, stdin=slave, stdout=subprocess.PIPE, stderr=slave, text=True
    ) as asked:
        os.close(slave)
        said = ""
        while "[y/N]" not in said:
            said += os.read(master, 1000).decode()
        os.write(master, b"n\n")
        out, _ = asked.communicate(timeout=60)
    os.close(master)
    assert "101 tasks match. Cancel them?" in said
    assert (asked.returncode, out.strip()) == (130, "")
    assert set(statuses(cli).values()) == {"pending"}
    assert cli("task", "cancel", "--all", "--yes").out.startswith("101 of 101 tasks")


def test_retention_is_shown_and_set(cli):
    cli.enqueue()
    assert cli("db", "retention").out.splitlines() == [
        "queue\tcompleted\tcancelled\tfailed",
        "(all)\t7d\t7d\t90d",
    ]
    cli("db", "retention", "--completed", "1d")
    cli("db", "retention", "--queue", "b", "--failed", "forever")
    assert cli("db", "retention", "--json").json == [
        {
            "queue": None,
            "keep_completed": 86400.0,
            "keep_cancelled": 604800.0,
            "keep_failed": 7776000.0,
            "said": ["completed"],
        },
        {
            "queue": "b",
            "keep_completed": 86400.0,
            "keep_cancelled": 604800.0,
            "keep_failed": None,
            "said": ["failed"],
        },
    ]
    cli("db", "retention", "--queue", "b", "--failed", "default")
    assert len(cli("db", "retention", "--json").json) == 1
    assert cli("db", "retention", "--failed", "soon").code == 2
    assert cli("db", "retention", "--queue", "", "--failed", "1d").code == 2


def test_what_is_old_is_pruned(ended):
    assert ended("db", "prune").out == "Deleted 0 tasks.\n"
    ran = ended("db", "prune", "--older-than", "0", "--status", "failed", "--dry-run")
    assert ran.out == "2 tasks would be deleted.\n"
    ran = ended("db", "prune", "--older-than", "0", "--queue", "b", "--json")
    assert ran.json == {"matched": 1, "deleted": 1, "dry_run": False}
    ended("db", "retention", "--completed", "0")
    assert ended("db", "prune", "--function", "add").out == "Deleted 1 tasks.\n"
    assert statuses(ended) == {1: "failed", 4: "scheduled"}
    assert ended("db", "prune", "--status", "pending").code == 2


def test_an_interrupted_prune_leaves_a_sound_database_and_goes_on(cli):
    cli.lines(*[{"function": "add", "args": [1]}] * 3000)
    cli("enqueue", "--from", "tasks.jsonl")
    with cli.queue.database.writing() as transaction:
        transaction.exec_driver_sql("UPDATE tasks SET status = 'completed', finished_at = 1")
    pruning = cli.start("db", "prune", "--yes")
    while cli.queue.retention.count() == 3000:
        assert pruning.poll() is None
    pruning.send_signal(signal.SIGINT)
    pruning.communicate(timeout=60)
    assert pruning.returncode in {130, 0}
    assert cli.queue.check() == []
    left = cli.queue.retention.count()
    assert left % 500 == 0
    assert cli("db", "prune", "--json").json["deleted"] == left


HOOK = {"id", "name", "events", "queue", "url", "command", "is_signed", "may_be_private"}


def test_hooks_are_added_listed_paused_tried_and_removed(cli, monkeypatch):
    monkeypatch.setenv("OPS", "whsec_c2VjcmV0")
    added = cli(
        *("hook", "add", "ops", "--on", "failed,completed", "--url", "https://example.org/x"),
        *("--secret-env", "OPS", "--queue", "b", "--json"),
    )
    assert set(added.json) >= HOOK
    assert added.json["is_signed"] is True
    assert "c2VjcmV0" not in added.out
    cli("hook", "add", "mail", "--on", "cancelled", "--", "mail", "-s", "gone", "me")
    listed = cli("hook", "list")
    assert [line.split("\t") for line in listed.out.splitlines()] == [
        ["hook", "on", "queue", "tells", "signed", "paused"],
        ["mail", "cancelled", "", "mail -s gone me", "no", ""],
        ["ops", "completed,failed", "b", "https://example.org/x", "yes", ""],
    ]
    assert "c2VjcmV0" not in listed.out + cli("hook", "list", "--json").out
    assert cli("hook", "pause", "ops").out == "hook ops: paused\n"
    assert cli("hook", "list", "--json").json[1]["paused_at"]
    assert cli("hook", "resume", "ops", "--json").json["paused_at"] is None
    task_id = cli("hook", "test", "mail", "--json").json["id"]
    assert json.loads(cli("task", "show", task_id, "--json").out)["queue"] == "jobrunner.hooks"
    assert cli("hook", "remove", "ops", "--json").json == {"removed": "ops"}
    for command in ("remove", "pause", "resume", "test"):
        assert cli("hook", command, "ops").code == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "a hook tells a URL or a command"),
        (("--url", "http://10.0.0.1"), "of a private network"),
        (("--url", "ftp://example.org"), "must begin with http"),
        (("--url", "https://example.org", "--on", "started"), "told of the ends of tasks"),
        (("--url", "https://example.org", "--secret-env", "NONE"), "has no variable NONE"),
        (("--url", "https://example.org", "--", "ls"), "a hook tells a URL or a command"),
        (("--allow-private", "--", "ls"), "go with a url"),
    ],
)
def test_a_hook_that_has_no_meaning_is_refused(cli, words, said):
    ran = cli("hook", "add", "ops", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
