"""Writers take turns, and none waits for ever for one that is frozen."""

import contextlib
import ctypes
import os
import threading

import pytest

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.turnstile import Turnstile, _writing

pytestmark = pytest.mark.timeout(20)  # without its guard a writer waits for ever


@pytest.fixture
def turnstile(tmp_path):
    turnstile = Turnstile(tmp_path / "lock")
    yield turnstile
    turnstile.close()


def test_one_writer_at_a_time(turnstile, tmp_path):
    other = Turnstile(tmp_path / "lock")  # as another process has it: a descriptor of its own
    inside = threading.Event()

    def enter():
        with other.turn():
            inside.set()

    with turnstile.turn():
        thread = threading.Thread(target=enter, daemon=True)
        thread.start()
        assert not inside.wait(0.05)
    assert inside.wait(5)
    thread.join()
    other.close()


def test_the_turn_ends_with_an_error(turnstile):
    with pytest.raises(ValueError, match="no"), turnstile.turn():
        raise ValueError("no")
    with turnstile.turn():
        pass


def test_a_closed_turnstile_opens_again(turnstile):
    for _ in range(2):
        with turnstile.turn():
            pass
        turnstile.close()
        turnstile.close()


def test_a_forked_child_starts_afresh_whoever_held_the_turn(turnstile):
    with turnstile.turn():
        pass
    turnstile._mutex.acquire()  # a thread of the parent that the child does not have
    inherited = list(turnstile._opened)
    assert inherited
    turnstile.forget()
    for descriptor in inherited:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
    with turnstile.turn():
        pass


def test_a_link_in_the_place_of_the_lock_is_not_followed(turnstile, tmp_path):
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DatabaseError, match="cannot use"), turnstile.turn():
        pass
    assert not (tmp_path / "elsewhere").exists()


@pytest.fixture
def frozen(turnstile, tmp_path):
    """Somebody else who holds the turn, and who lets go when told."""
    other = Turnstile(tmp_path / "lock")
    with contextlib.ExitStack() as stack:
        assert stack.enter_context(other.turn())
        yield stack.close
    other.close()


@pytest.fixture
def hasty(tmp_path):
    """One that does not wait long."""
    hasty = Turnstile(tmp_path / "lock", patience=0.05)
    yield hasty
    hasty.close()


def in_a_thread(turnstile):
    """Whether a thread of its own gets the turn in time."""
    got = []

    def enter():
        with turnstile.turn() as in_time:
            got.append(in_time)

    thread = threading.Thread(target=enter, daemon=True)
    thread.start()
    thread.join(5)
    return got[0]


def test_who_waits_in_vain_goes_on_without_a_turn(frozen, hasty):
    assert in_a_thread(hasty) is False


def test_after_one_wait_in_vain_no_other_wait_is_made(frozen, hasty, monkeypatch):
    assert in_a_thread(hasty) is False
    monkeypatch.setattr(hasty, "_patience", 60.0)
    assert in_a_thread(hasty) is False  # at once, or this test takes a minute


def test_the_turn_is_had_again_when_it_is_free_again(frozen, hasty):
    assert in_a_thread(hasty) is False
    frozen()
    hasty._waiter._thread.join(5)
    assert in_a_thread(hasty) is True


def test_a_lock_that_came_too_late_is_let_go(frozen, hasty, turnstile):
    assert in_a_thread(hasty) is False
    frozen()
    assert in_a_thread(turnstile) is True
    hasty._waiter._thread.join(5)
    assert hasty._opened == {hasty._descriptor}


def test_threads_do_not_wait_for_ever_for_a_thread_that_is_stuck(hasty):
    with hasty.turn() as mine:
        assert mine is True
        assert in_a_thread(hasty) is False
    assert in_a_thread(hasty) is True


class StoppedError(Exception):
    """Raised into a thread."""


def test_a_thread_that_is_stopped_while_it_waits_lets_the_others_in(turnstile):
    waits, said = threading.Event(), []

    def enter():
        waits.set()
        try:
            with turnstile.turn():
                said.append("in")
        except StoppedError:
            said.append("stopped")

    thread = threading.Thread(target=enter, daemon=True)
    with turnstile.turn():
        thread.start()
        waits.wait(5)
        stop = ctypes.pythonapi.PyThreadState_SetAsyncExc
        while len(_writing) < 2:
            assert thread.is_alive()
        assert stop(ctypes.c_ulong(thread.ident), ctypes.py_object(StoppedError)) == 1
    thread.join(5)
    assert said == ["stopped"]
    assert in_a_thread(turnstile) is True
    assert _writing == set()


def test_a_transaction_inside_another_of_its_thread_is_refused_without_a_turn_too(frozen, hasty):
    def twice():
        with hasty.turn(), pytest.raises(DatabaseError, match="open already"), hasty.turn():
            pass
        done.set()

    done = threading.Event()
    thread = threading.Thread(target=twice, daemon=True)
    thread.start()
    thread.join(5)
    assert done.is_set()


def test_what_has_forgotten_its_parents_turn_can_have_its_own(turnstile):
    with turnstile.turn():
        turnstile.forget()  # as a child does that was forked in a turn of this very thread
        with turnstile.turn() as in_time:
            assert in_time


def test_what_has_forgotten_its_parents_turn_has_closed_its_lock(turnstile):
    """Open in a child, it would outlive a parent that dies in its turn."""
    with turnstile.turn():
        (descriptor,) = turnstile._opened
        turnstile.forget()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
