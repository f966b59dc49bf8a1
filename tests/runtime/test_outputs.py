"""What a running attempt writes is stored only while it runs, and only if that takes a while."""

from jobrunner.core.outcome import Completed
from jobrunner.core.written import Stream
from jobrunner.runtime.attempt import Attempt
from jobrunner.runtime.kept import ROUNDS
from jobrunner.runtime.outputs import Outputs
from tests.databases import on_a_file
from tests.runtime.support import FakeClock
from tests.runtime.test_attempt import LEASE, Control


def test_what_is_stored_while_an_attempt_ends_does_not_stay():
    ends = []
    attempt = Attempt(LEASE, clock=FakeClock(), on_end=lambda _, ended: ends.append(ended))
    attempt.begin(Control())
    assert attempt.so_far() is None
    attempt.write(Stream.STDOUT, "x")
    assert attempt.so_far() == ("x", "")
    attempt.write(Stream.STDERR, "y")
    attempt.end(Completed())
    assert attempt.so_far() is None
    (ended,) = ends
    assert (ended.output.stdout, ended.output.stderr) == ("x", "y")
    assert ended.output.is_live
    attempt.write(Stream.STDOUT, "late")
    assert ended.output.stdout == "x"


@on_a_file
def test_an_attempt_that_ends_soon_is_not_stored_on_its_own(queue):
    ends = []
    kept = Outputs(queue.database, queue.clock)
    kept.close()  # its looks are made here
    attempt = Attempt(LEASE, clock=FakeClock(), on_end=lambda _, ended: ends.append(ended))
    attempt.outputs = kept
    attempt.begin(Control())
    attempt.write(Stream.STDOUT, "x")
    for _ in range(ROUNDS - 1):
        kept._store()
    attempt.end(Completed())
    assert not ends[0].output.is_live
    kept._store()
    assert kept._writing == {}
