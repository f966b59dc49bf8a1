"""Connections are given in turn, and a worker's own threads do not wait for those of its tasks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobrunner.core.errors import DatabaseError
from jobrunner.storage.gate import SIZE, Gate, NoRoomError, going_first
from tests.databases import on_a_server

LONG = 60.0


def in_line(gate, count):
    while len(gate._line) < count:
        pass


def test_threads_get_connections_in_turn():
    gate, came = Gate(1), []

    def come(number):
        with gate.passed():
            came.append(number)

    with ThreadPoolExecutor(5) as threads, gate.passed():
        for number in range(5):
            threads.submit(come, number)
            in_line(gate, number + 1)
        assert came == []
    assert came == [0, 1, 2, 3, 4]
    with gate.passed():  # nobody has taken the place along
        pass


def test_who_leaves_goes_to_the_end_of_the_line():
    gate, turns = Gate(1), []

    def work(name):
        for _ in range(3):
            with gate.passed():
                in_line(gate, 1 if len(turns) < 5 else 0)
                turns.append(name)

    with ThreadPoolExecutor(2) as threads:
        for name in "ab":
            threads.submit(work, name)
    assert turns in (list("ababab"), list("bababa"))


def test_patience_ends_and_leaves_no_gap():
    gate = Gate(1, patience=0.01)
    with gate.passed():
        with pytest.raises(NoRoomError), gate.passed():
            pass
        with going_first(), gate.passed():
            pass
    with gate.passed():
        pass


def test_who_is_given_a_place_as_he_steps_out_of_the_line_hands_it_on():
    gate = Gate(1)
    gate._enter()
    gate._step_out(threading.Event())
    with gate.passed():
        pass


@on_a_server
def test_a_heartbeat_does_not_wait_for_tasks(database):
    together, done = threading.Barrier(SIZE + 1), threading.Event()

    def task():
        with database.reading():
            together.wait(LONG)
            done.wait(LONG)

    with ThreadPoolExecutor(SIZE) as threads:
        for _ in range(SIZE):
            threads.submit(task)
        together.wait(LONG)
        with going_first(), database.writing() as connection:
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        assert database.server_time() is not None  # nor does whoever asks for the time
        database._server.gate._patience = 0.01
        with pytest.raises(DatabaseError, match="came free in time"), database.reading():
            pass
        done.set()
