"""Probes: what is live and ready says so, and what is stuck or cut off does not."""

import contextlib
import socket
import threading
import urllib.error
import urllib.request

import pytest

from jobrunner.core.errors import ConfigurationError, DatabaseError
from jobrunner.core.events import WorkerStarted
from jobrunner.runtime.probes import Probes, parse_address
from tests.runtime.support import PATIENCE, FakeClock, until


class Runner:
    turned_at = None


@pytest.fixture
def runner():
    return Runner()


@pytest.fixture
def clock(queue, monkeypatch):
    clock = FakeClock()
    monkeypatch.setattr(queue, "clock", clock)
    return clock


@pytest.fixture
def probe(queue, clock, runner):
    """Ask for a path; the status and the text of the answer."""
    probes = Probes(("127.0.0.1", 0), runner, queue, lost_after=30)
    probes.start()

    def ask(path, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{probes.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 — ours
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    yield ask
    probes.close()


def test_one_that_starts_is_live_and_not_ready(probe):
    assert probe("/livez") == (200, "ok\n")
    assert probe("/readyz") == (503, "it starts\n")


def test_one_that_turns_is_live_and_ready(probe, runner, clock):
    runner.turned_at = clock.monotonic()
    clock.later(29)
    assert probe("/livez") == probe("/readyz?verbose") == (200, "ok\n")
    assert probe("/readyz", "HEAD") == (200, "")


def test_one_whose_loop_stands_is_neither(probe, runner, clock):
    runner.turned_at = clock.monotonic()
    clock.later(31)
    assert probe("/livez") == probe("/readyz") == (503, "its loop has stood for 31 s\n")


def test_without_its_database_it_lives_and_is_not_ready(probe, runner, clock, queue, monkeypatch):
    @contextlib.contextmanager
    def cut_off():
        raise DatabaseError("no route to db.example, password hunter2")
        yield

    monkeypatch.setattr(queue.database, "reading", cut_off)
    runner.turned_at = clock.monotonic()
    assert probe("/livez") == (200, "ok\n")
    assert probe("/readyz") == (503, "the database does not answer\n")


def test_a_database_that_hangs_is_asked_once(probe, runner, clock, queue, monkeypatch):
    asked, answered, reading = threading.Event(), threading.Event(), queue.database.reading

    def hanging():
        asked.set()
        answered.wait(PATIENCE)
        return reading()

    monkeypatch.setattr(queue.database, "reading", hanging)
    runner.turned_at = clock.monotonic()
    first = threading.Thread(target=probe, args=("/readyz",))
    first.start()
    assert asked.wait(PATIENCE)
    assert probe("/readyz") == (503, "the database has not answered yet\n")
    answered.set()
    first.join(PATIENCE)
    assert probe("/readyz") == (200, "ok\n")


@pytest.mark.parametrize(("path", "method", "code"), [("/", "GET", 404), ("/livez", "POST", 501)])
def test_it_tells_nothing_else(probe, path, method, code):
    assert probe(path, method)[0] == code


def test_a_worker_turns_while_it_waits_for_work(queue, start_worker, events):
    worker = start_worker().worker
    events.wait(WorkerStarted)
    first = until(queue, lambda: worker.turned_at)
    assert until(queue, lambda: worker.turned_at > first)


def test_a_place_that_is_taken_is_refused_in_words(queue, runner):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()[:2]
        with pytest.raises(ConfigurationError, match="no probe can be answered at 127") as told:
            Probes(address, runner, queue, lost_after=30)
    assert "--health" in told.value.hint


def test_an_address_is_a_host_and_a_port():
    assert parse_address("0.0.0.0:8089") == ("0.0.0.0", 8089)  # noqa: S104 — only read
    assert parse_address("8089") == parse_address(":8089") == ("127.0.0.1", 8089)
    assert parse_address("[::1]:80") == ("::1", 80)
    for wrong in ("", "here", "here:", "here:x", "here:65536", "here:-1"):
        with pytest.raises(ConfigurationError, match="is no HOST:PORT"):
            parse_address(wrong)
