"""What a child tells its worker of what an attempt writes: soon, in bundles, and to its end."""

import threading
from multiprocessing import Pipe

import pytest

from jobrunner.core.written import Stream
from jobrunner.runtime.executors.telling import LATE, MUCH, Teller, Wrote
from tests.runtime.support import FakeClock


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def pipe():
    ours, theirs = Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.fixture
def teller(pipe, clock):
    return Teller(pipe[1], clock)


def heard(pipe):
    found = []
    while pipe[0].poll():
        found.append(pipe[0].recv())
    return found


def test_a_line_after_a_silence_is_told_at_once(pipe, teller, clock):
    teller.write(Stream.STDOUT, "one")
    teller.write(Stream.STDOUT, "\n")
    assert heard(pipe) == [Wrote(Stream.STDOUT, "one\n")]
    clock.later(LATE)
    teller.write(Stream.STDERR, "two\n")
    assert heard(pipe) == [Wrote(Stream.STDERR, "two\n")]


def test_what_comes_fast_is_told_in_bundles_a_little_late(pipe, teller):
    for text in ("one\n", "two\n", "three\n"):
        teller.write(Stream.STDOUT, text)
    teller.write(Stream.STDERR, "oh\n")
    assert heard(pipe) == [Wrote(Stream.STDOUT, "one\n")]
    assert pipe[0].poll(60)  # by itself
    assert [pipe[0].recv(), pipe[0].recv()] == [
        Wrote(Stream.STDOUT, "two\nthree\n"),
        Wrote(Stream.STDERR, "oh\n"),
    ]


def test_a_line_that_does_not_end_is_told_a_little_late(pipe, teller):
    teller.write(Stream.STDOUT, "one")
    assert pipe[0].poll(60)
    assert heard(pipe) == [Wrote(Stream.STDOUT, "one")]


def test_much_is_told_at_once(pipe, teller):
    teller.write(Stream.STDOUT, "one\n")
    teller.write(Stream.STDOUT, "x" * MUCH)
    assert [len(one.text) for one in heard(pipe)] == [4, MUCH]


def test_what_cannot_wait_comes_behind_what_was_written_before_it(pipe, teller):
    teller.write(Stream.STDOUT, "one\n")
    teller.write(Stream.STDOUT, "two\n")
    teller.send("a wish")
    told = [Wrote(Stream.STDOUT, "one\n"), Wrote(Stream.STDOUT, "two\n"), "a wish"]
    assert heard(pipe) == told


def test_after_its_end_nothing_is_told(pipe, teller):
    teller.write(Stream.STDOUT, "one")
    teller.write(Stream.STDOUT, "two")
    teller.end()
    teller.write(Stream.STDOUT, "late")
    teller.end()
    assert [one.text for one in heard(pipe)] == ["onetwo"]


def test_a_finalizer_that_prints_while_something_is_printed_locks_nobody_out(pipe, teller):
    def write():
        with teller._lock:  # as if a finalizer ran there
            teller.write(Stream.STDOUT, "inner\n")

    thread = threading.Thread(target=write)
    thread.start()
    thread.join(60)
    assert [one.text for one in heard(pipe)] == ["inner\n"]


def test_who_is_heard_by_nobody_goes_on(pipe, teller, clock):
    pipe[0].close()
    teller.write(Stream.STDOUT, "one\n")
    clock.later(LATE)
    teller.write(Stream.STDOUT, "two\n")
