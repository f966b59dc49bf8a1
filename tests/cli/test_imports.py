"""What waits in Huey or RQ comes over as it is, once, and no pickle runs anything."""

import json
import pickle
import threading
import zlib
from datetime import UTC, datetime, timedelta

import pytest
import rq
from fakeredis import TcpFakeServer
from huey import SqliteHuey
from redis import Redis

from jobrunner.core import unpickled
from jobrunner.core.status import Status


@pytest.fixture
def huey(cli):
    made = SqliteHuey("shop", filename=str(cli.folder / "huey.db"))
    yield made
    made.storage.close()


@pytest.fixture
def redis():
    server = TcpFakeServer(("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with Redis(host="127.0.0.1", port=server.server_address[1]) as client:
        yield client
    server.shutdown()
    server.server_close()
    thread.join()


def url(redis):
    return f"redis://127.0.0.1:{redis.connection_pool.connection_kwargs['port']}/0"


def enqueue_some(huey):
    """Four that can come over, and one that cannot."""

    @huey.task(name="add")
    def add(a, b=0):
        return a + b

    @huey.task(name="mail", retries=2, priority=7)
    def mail(to):
        return to

    add(1, b=2)
    mail("ada")
    late = add.s(3)
    late.eta = (datetime.now(UTC) + timedelta(hours=1)).replace(tzinfo=None)
    huey.add_schedule(late)  # as its consumer does
    huey.enqueue(add.s(5).then(mail))
    huey.enqueue(add.s(6, expires=timedelta(hours=1)))
    return add.task_class.__module__


def test_pending_tasks_of_huey_come_over_as_they_are(cli, huey):
    module = enqueue_some(huey)
    ran = cli("import", "huey", "huey.db", "--allow-pickle", "--map", f"{module}.add=add")
    assert ran.code == 1
    assert "4 stored; 0 were there before." in ran.err
    assert "has an on_complete, which is not imported" in ran.err
    tasks = {str(task.args): task for task in cli.queue.find(limit=10)}
    assert [str(task_id) for task_id in sorted(task.id for task in tasks.values())] == (
        ran.out.split()
    )
    now = datetime.now(UTC)
    first, mail = tasks["(1,)"], tasks["('ada',)"]
    assert (first.function, first.kwargs, first.max_attempts) == ("add", {"b": 2}, 1)
    assert (mail.function, mail.max_attempts, mail.priority) == (f"{module}.mail", 3, 7)
    assert tasks["(3,)"].status is Status.SCHEDULED
    assert timedelta(minutes=59) < tasks["(3,)"].run_at - now <= timedelta(hours=1)
    assert timedelta(minutes=59) < tasks["(6,)"].expires_at - now <= timedelta(hours=1)
    assert len(huey.storage.enqueued_items()) == 4  # it is only read


def test_to_import_again_stores_nothing_twice(cli, huey):
    enqueue_some(huey)
    words = ("import", "huey", "huey.db", "--allow-pickle", "--json")
    first = cli(*words).json
    assert (len(first["stored"]), first["there_before"], len(first["refused"])) == (4, 0, 1)
    again = cli(*words).json
    assert (again["stored"], again["there_before"]) == ([], 4)
    cli.queue.cancel(first["stored"][0])
    assert cli(*words).json["there_before"] == 4  # whatever became of them
    assert sum(cli.queue.counts().values()) == 4


def test_a_dry_run_shows_it_and_stores_nothing(cli, huey):
    enqueue_some(huey)
    ran = cli("import", "huey", "huey.db", "--allow-pickle", "--dry-run", "-q", "old", "--json")
    assert {task["queue"] for task in ran.json["tasks"]} == {"old"}
    assert len(ran.json["tasks"]) == 4
    ran = cli("import", "huey", "huey.db", "--allow-pickle", "--dry-run")
    assert ran.out.splitlines()[0] == "key\tfunction\tqueue\trun_at"
    assert sum(cli.queue.counts().values()) == 0


def test_pickles_are_refused_unless_they_are_asked_for(cli, huey):
    enqueue_some(huey)
    ran = cli("import", "huey", "huey.db")
    assert ran.code == 2
    assert "whoever writes a pickle decides what code it runs" in ran.err
    assert "--allow-pickle" in ran.err
    assert sum(cli.queue.counts().values()) == 0


class Trap:
    """A pickle that would leave a file behind if it were read as pickles are."""

    def __reduce__(self):
        return open, ("sprung", "w")


def test_even_then_a_pickle_runs_nothing(cli, huey):
    @huey.task(name="add")
    def add(a):
        return a

    add(Trap())
    huey.storage.enqueue(pickle.dumps(Trap()))
    huey.storage.enqueue(b"\x80\x04no pickle")
    ran = cli("import", "huey", "huey.db", "--allow-pickle")
    assert ran.code == 1
    assert ran.err.count("is not plain data: it names io.open") == 2
    assert "cannot be read" in ran.err
    assert not (cli.folder / "sprung").exists()
    assert sum(cli.queue.counts().values()) == 0


def test_data_that_grow_without_end_are_not_read():
    bomb = zlib.compress(bytes(unpickled.LARGEST + 1))
    with pytest.raises(unpickled.UnreadableError, match="comes to more than"):
        unpickled.expanded(bomb)


def test_names_that_the_application_knows_need_no_map(cli, huey):
    enqueue_some(huey)
    ran = cli("-A", "application:queue", "import", "huey", "huey.db", "--allow-pickle")
    assert ran.code == 2
    assert "no function named" in ran.err  # mail is not there, and nothing was stored
    assert sum(cli.queue.counts().values()) == 0


def test_a_file_that_is_none_of_huey_is_told(cli, tmp_path):
    assert "there is no file" in cli("import", "huey", "nowhere.db").err
    (tmp_path / "text.db").write_text("no database at all, but long enough to be asked" * 50)
    ran = cli("import", "huey", "text.db")
    assert ran.code == 4
    assert "cannot be read as a file of Huey" in ran.err


def test_pending_jobs_of_rq_come_over_with_what_they_wait_for(cli, redis):
    queue = rq.Queue("mail", connection=redis, serializer="json")
    first = queue.enqueue("tasks.add", 1, b=2, job_timeout="2m", retry=rq.Retry(max=2))
    second = queue.enqueue("tasks.add", 3, depends_on=first)
    queue.enqueue("tasks.add", 4, depends_on=second)
    queue.enqueue_in(timedelta(hours=1), "tasks.late")
    queue.enqueue(
        "tasks.call",
        on_success=rq.Callback(test_pending_jobs_of_rq_come_over_with_what_they_wait_for),
    )
    ran = cli("import", "rq", url(redis), "--map", "tasks.add=add", "--json")
    assert ran.code == 1
    assert [one["problem"] for one in ran.json["refused"]] == [
        "has a success_callback_name, which is not imported"
    ]
    tasks = {task.args: task for task in cli.queue.find(limit=10)}
    one, three, four, late = (tasks[args] for args in ((1,), (3,), (4,), ()))
    assert (one.function, one.kwargs, one.queue) == ("add", {"b": 2}, "mail")
    assert (one.timeout, one.max_attempts) == (timedelta(minutes=2), 3)
    assert (three.after, four.after) == ((one.id,), (three.id,))
    assert (late.status, late.function) == (Status.SCHEDULED, "tasks.late")
    assert cli("import", "rq", url(redis), "--json").json["there_before"] == 4
    assert redis.llen("rq:queue:mail") == 2


def test_pickled_jobs_of_rq_are_refused_unless_they_are_asked_for(cli, redis):
    rq.Queue("default", connection=redis).enqueue("tasks.add", 1)
    assert cli("import", "rq", url(redis)).code == 2
    assert cli("import", "rq", url(redis), "--allow-pickle").code == 0
    assert cli.queue.get(1).args == (1,)


def test_what_is_no_job_of_rq_is_told(cli, redis):
    redis.sadd("rq:queues", "rq:queue:default")
    redis.rpush("rq:queue:default", "odd", "gone")
    redis.hset("rq:job:odd", mapping={"data": json.dumps(["only", "two"])})
    ran = cli("import", "rq", url(redis))
    assert (ran.code, ran.err.splitlines()[-1]) == (1, "Not imported: rq:odd is no job of RQ.")


@pytest.mark.parametrize(
    ("source", "code"), [("nonsense", 2), ("redis://127.0.0.1:1/0", 4)], ids=["url", "server"]
)
def test_a_server_that_is_not_there_is_told(cli, source, code):
    assert cli("import", "rq", source).code == code


def test_a_map_that_maps_nothing_is_told(cli, huey):
    ran = cli("import", "huey", "huey.db", "--map", "add")
    assert (ran.code, "maps no name" in ran.err) == (2, True)
