"""`jobrunner serve` as a process: what it refuses, what it says, how it ends."""

import json
import signal
import socket
import urllib.request
from contextlib import contextmanager

import httpx2
import pytest

from tests.cli.test_signals import until

PATIENCE = 60.0
WORK = ("-A", "application:queue")


@contextmanager
def serving(cli, *words):
    """A server on a free port; yields the process and its URL."""
    process = cli.start(*WORK, "serve", "--port", "0", *words, start_new_session=True)
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.stderr.read()
        yield process, url
    finally:
        process.kill()
        process.communicate()


def get(url):
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310 — ours
        return answer.read().decode()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_order(cli, number, code):
    with serving(cli) as (process, url):
        assert get(f"{url}livez") == "ok"
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert "error" not in err.lower()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_with_workers_all_end_with_it(cli, number):
    with serving(cli, "--with-workers", "2") as (process, url):
        task = cli.queue.get(cli.enqueue("add"))
        assert task.wait(timeout=PATIENCE).status == "completed"
        until(cli, lambda: len(alive(cli)) == 2)
        assert 'jobrunner_workers{status="running"} 2.0' in get(f"{url}metrics")
        process.send_signal(number)
        _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 128 + number
    assert "Traceback" not in err
    assert {worker.status for worker in cli.queue.workers()} == {"stopped"}


def alive(cli):
    return [worker for worker in cli.queue.workers() if worker.stopped_at is None]


def test_its_workers_work_while_it_only_shows(cli):
    task = cli.queue.get(cli.enqueue("add"))
    with serving(cli, "--with-workers", "1", "--read-only"):
        assert task.wait(timeout=PATIENCE).status == "completed"


def test_a_connection_that_is_kept_open_does_not_keep_it(cli):
    with serving(cli) as (process, url), httpx2.Client(base_url=url) as client:
        assert client.get("/livez").text == "ok"
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert process.returncode == 143


@pytest.mark.parametrize(
    "words",
    [
        ("--host", "0.0.0.0"),  # noqa: S104 — that is what is refused
        ("--host", "::"),
        ("--host", "192.0.2.1"),
        ("--allowed-host", "jobs.example:80"),
        ("--allowed-host", "jobs.example"),
    ],
)
def test_others_are_not_let_in_without_a_token(cli, words):
    ran = cli("serve", "--port", 0, *words)
    assert ran.code == 2
    assert "no token to keep them out" in ran.err
    assert "jobrunner token add NAME" in ran.err


def test_a_port_in_use_is_told_in_one_sentence(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = cli("serve", "--port", port)
    assert ran.code == 2
    assert ran.err.splitlines() == [
        f"jobrunner: port {port} of 127.0.0.1 is in use.",
        "Choose another with --port; 0 takes any that is free.",
    ]


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "65536"),
        ("--port", "-1"),
        ("--with-workers", "-1"),
        ("--allowed-host", "http://a/"),
    ],
)
def test_a_wrong_option_is_refused(cli, words):
    assert cli("serve", *words).code == 2


def test_an_address_that_is_not_ours_is_told(cli):
    cli("token", "add", "ci")
    for host in ("192.0.2.1", "no.such.host.invalid"):
        ran = cli("serve", "--host", host, "--port", "0")
        assert (ran.code, "Traceback" in ran.err) == (2, False)


def test_it_serves_no_database_that_is_not_there_to_show(cli):
    assert cli("--db", "typo.db", "serve", "--read-only").code == 4
    assert not (cli.folder / "typo.db").exists()


def test_a_token_is_wanted_as_soon_as_there_is_one(cli):
    with serving(cli) as (_, url), httpx2.Client(base_url=url) as client:
        assert client.get("/metrics").status_code == 200
        made = json.loads(cli("token", "add", "ci", "--json").out)
        assert client.get("/metrics").status_code == 401
        sent = {"Authorization": f"Bearer {made['token']}"}
        assert client.get("/metrics", headers=sent).status_code == 200
