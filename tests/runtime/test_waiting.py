"""Who waits for a task in a place that the work has left is told where it went."""

import pytest

from jobrunner.core.errors import DatabaseMovedError
from jobrunner.storage import closed
from jobrunner.storage.moves import MOVED, MOVING, Move
from tests.runtime import functions as f
from tests.runtime.support import PATIENCE


@pytest.mark.parametrize(
    ("status", "said"), [(MOVED, "was moved to there"), (MOVING, "is being moved to there")]
)
def test_a_wait_ends_when_the_database_has_moved(queue, drain, status, said):
    task, other = (queue.enqueue(f.add.bind(n, n)) for n in range(2))
    told = []

    def move_away(still_open):
        told.append(still_open)
        if len(told) == 1:
            with queue.database.writing() as transaction:
                closed.close(transaction, Move("m", "there", status), now=queue.clock.now())

    with pytest.raises(DatabaseMovedError, match=said):
        queue.wait([task, other], timeout=PATIENCE, on_open=move_away)
    assert set(told) == {2}
    with queue.database.writing() as transaction:
        closed.reopen(transaction)
    drain()
    assert queue.wait([task], timeout=PATIENCE) == [queue.get(task.id)]
