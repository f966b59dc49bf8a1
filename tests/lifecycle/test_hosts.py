"""Workers on several hosts: one is cut off, the others have its tasks, and it changes nothing."""

import contextlib
import threading

import pytest

from jobrunner.core.status import Status
from jobrunner.core.worker import WorkerStatus
from tests.databases import Postgres
from tests.lifecycle.conftest import SILENT, WORK, Stage
from tests.lifecycle.hosts import NETWORK, SERVER, hosts
from tools import postgres

pytestmark = pytest.mark.timeout(300)  # another run on this machine may have its hosts first

QUICK = "&connect_timeout=4&tcp_user_timeout=1000"
"""How soon a worker sees that its server is not there: well before others count it as lost."""


@pytest.fixture
def two_hosts():
    with hosts(2) as found:
        yield found


@pytest.fixture
def stage(tmp_path, two_hosts):
    """A stage whose server is reached over a network, from here and from two other hosts."""
    with (
        postgres.running(network=NETWORK) as server,
        Postgres(server.url(host=SERVER)).database() as url,
    ):
        stage = Stage(tmp_path, url + QUICK)
        yield stage
        for host in two_hosts:
            host.heal()
        stage.end()


def start(stage, host, **options):
    """Start a worker on a host; returns the process and what it has said so far, line by line."""
    options = {"concurrency": 2, "kill_grace": 0.3, "heartbeat": 0.2} | options
    script = stage.folder / f"{host.namespace}.py"
    script.write_text(WORK.format(options=options, limits={}))
    python = host.enter[0]
    process = stage.start(*host.enter, python, "-W", "error", str(script))
    said = []

    def listen():
        with contextlib.suppress(ValueError):  # the stage has ended, and closed it meanwhile
            said.extend(process.stdout)

    threading.Thread(target=listen, daemon=True).start()
    return said


def test_a_host_that_is_cut_off_loses_its_tasks_and_its_late_result_is_refused(stage, two_hosts):
    far, near = two_hosts
    far_said = start(stage, far, lost_after=60.0)  # it never finds out by itself
    task = stage.enqueue("until_file", "go")
    far_id = stage.running(task)
    start(stage, near, lost_after=SILENT)
    stage.until(lambda: len(stage.queue.workers()) == 2)

    far.cut()
    stage.until(lambda: stage.outcomes(task) == ["lost"])
    assert stage.worker_status(far_id) is WorkerStatus.LOST
    stage.until(lambda: stage.queue.get(task).status is Status.IN_PROGRESS)
    assert stage.queue.get(task).worker_id != far_id

    (stage.folder / "go").touch()  # the one that is cut off ends its attempt as well
    stage.until(lambda: stage.queue.get(task).status is Status.COMPLETED)
    before = stage.rows("tasks", "attempts", "progress")
    stage.until(lambda: any(line.startswith("WorkerTrouble") for line in far_said))

    far.heal()
    stage.until(lambda: any(line.startswith(f"LeaseLost {task}") for line in far_said))
    assert stage.rows("tasks", "attempts", "progress") == before
    assert (stage.queue.get(task).returned, stage.outcomes(task)) == (2, ["lost", "completed"])
    # It goes on under a new id, by itself.
    stage.until(lambda: sum(line.startswith("WorkerStarted") for line in far_said) == 2)
    assert [line for line in far_said if "Traceback" in line] == []


def test_a_worker_that_cannot_reach_its_server_stops_its_tasks_before_others_run_them(
    stage, two_hosts
):
    far, near = two_hosts
    far_said = start(stage, far, lost_after=SILENT)
    task = stage.enqueue("long_once", 300)
    stage.running(task)
    start(stage, near, lost_after=3 * SILENT)
    stage.until(lambda: len(stage.queue.workers()) == 2)
    far.cut()
    stage.until(lambda: stage.queue.get(task).status is Status.COMPLETED)
    assert stage.outcomes(task) == ["lost", "completed"]
    stage.until(lambda: any(line.startswith("WorkerLost") for line in far_said))
    far.heal()
    stage.until(lambda: sum(line.startswith("WorkerStarted") for line in far_said) == 2)
