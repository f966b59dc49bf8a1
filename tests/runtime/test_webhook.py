"""What hooks send arrives: signed, again if it was not accepted, and never where it may not go."""

import base64
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys

import pytest

from jobrunner.core.errors import ConfigurationError, InvalidTaskError
from jobrunner.core.hook import HOOKS_QUEUE, WEBHOOK
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.runtime import webhook
from jobrunner.storage import event_hooks
from tests.runtime import functions as f
from tests.runtime.receiver import receiving
from tests.runtime.support import outcomes, until

SECRET = "whsec_c2VjcmV0"  # noqa: S105
BROKEN = f.fail.using(max_attempts=1, description="a report").bind("out of luck")


@pytest.fixture
def receiver():
    with receiving() as receiver:
        yield receiver


def hook(queue, receiver, name="ops", **options):
    values = {"on": ["failed"], "url": receiver.url + "hook?a=1", "allow_private": True}
    return queue.hooks.add(name, **(values | options))


def sender(queue):
    """The task that sends."""
    (task,) = queue.find(queue=HOOKS_QUEUE)
    return task


def soon(queue):
    """Do not wait for the backoff."""
    with queue.database.writing() as transaction:
        transaction.exec_driver_sql("UPDATE tasks SET run_at = 0 WHERE status = 'scheduled'")


@pytest.mark.parametrize("executor", ["thread", "process", "async"])
def test_an_end_is_told_signed_as_standard_webhooks_says(queue, drain, receiver, executor):
    hook(queue, receiver, secret=SECRET)
    task = queue.enqueue(BROKEN)
    drain(executor=executor)
    request = receiver.next()
    assert request.path == "/hook?a=1"
    assert request.headers["content-type"] == "application/json"
    message_id, seconds = (request.headers[f"webhook-{n}"] for n in ("id", "timestamp"))
    signed = f"{message_id}.{seconds}.".encode() + request.body
    digest = base64.b64encode(hmac.new(b"secret", signed, hashlib.sha256).digest()).decode()
    assert request.headers["webhook-signature"] == f"v1,{digest}"
    assert abs(int(seconds) - queue.clock.now().timestamp()) < 60
    event = json.loads(request.body)
    assert event["type"] == "task.failed"
    assert (event["data"]["id"], event["data"]["description"]) == (task.id, "a report")
    sent = sender(queue)
    assert event["delivery"] == {"id": message_id, "attempt": 1}
    assert (str(sent.id), sent.status, sent.returned) == (message_id, Status.COMPLETED, 204)
    assert SECRET not in str(sent)


def test_without_a_secret_nothing_is_signed(queue, drain, receiver):
    hook(queue, receiver)
    queue.enqueue(BROKEN)
    drain()
    assert "webhook-signature" not in receiver.next().headers


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_what_is_not_accepted_is_sent_again_and_no_redirect_is_followed(
    queue, start_worker, receiver, answer
):
    receiver.answers = [answer]
    hook(queue, receiver, secret=SECRET)
    queue.enqueue(BROKEN)
    start_worker()
    first = receiver.next()
    until(queue, lambda: queue.find(queue=HOOKS_QUEUE, status=Status.SCHEDULED))
    assert SECRET not in str(queue.history(sender(queue).id))
    assert sender(queue).error is not None
    assert str(answer) in sender(queue).error
    soon(queue)
    again = receiver.next()
    assert again.path == first.path
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert [json.loads(one.body)["delivery"]["attempt"] for one in (first, again)] == [1, 2]
    queue.wait([sender(queue)], timeout=60)
    assert outcomes(queue, sender(queue).id) == ["failed", "completed"]
    assert receiver.came.empty()


def test_a_private_address_is_refused_at_once_and_when_a_name_leads_there(
    queue, drain, receiver, monkeypatch
):
    with pytest.raises(ConfigurationError, match="of this machine or of a private network"):
        hook(queue, receiver, allow_private=False)
    there = socket.getaddrinfo("127.0.0.1", receiver.url.split(":")[2].strip("/"))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: there)
    hook(queue, receiver, url="http://rebound.example/", allow_private=False)
    queue.enqueue(BROKEN)
    drain()
    sent = sender(queue)
    assert (sent.status, sent.attempt) == (Status.FAILED, 1)
    assert sent.error.startswith("PrivateAddressError: rebound.example is an address of this")
    assert receiver.came.empty()


def test_a_name_is_looked_up_once_and_what_was_found_is_connected_to(
    queue, drain, receiver, monkeypatch
):
    port = receiver.url.split(":")[2].strip("/")
    looked_up, there = [], socket.getaddrinfo("127.0.0.1", port, type=socket.SOCK_STREAM)

    def look_up(host, *_, **__):
        looked_up.append(host)
        return there if len(looked_up) == 1 else []

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hook(queue, receiver, url=f"http://rebound.example:{port}/x")
    queue.enqueue(BROKEN)
    drain()
    assert receiver.next().headers["host"] == f"rebound.example:{port}"
    assert looked_up == ["rebound.example"]


def test_nobody_there_is_a_failure_that_names_the_hook_and_not_the_url(queue, start_worker):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    queue.hooks.add("ops", on=["failed"], url=f"http://127.0.0.1:{port}/token", allow_private=True)
    queue.enqueue(BROKEN)
    start_worker()
    until(queue, lambda: queue.find(queue=HOOKS_QUEUE, status=Status.SCHEDULED))
    assert "hook ops: " in sender(queue).error
    (record,) = queue.history(sender(queue).id)
    assert "token" not in f"{record.error}{record.traceback}"


def test_what_a_removed_hook_had_to_send_is_cancelled(queue, drain, receiver):
    hook(queue, receiver)
    queue.enqueue(BROKEN)
    drain(queues=["default"])
    assert sender(queue).status is Status.PENDING, "a worker of one queue does not send"
    queue.hooks.remove("ops")
    drain()
    assert (sender(queue).status, sender(queue).error) == (
        Status.CANCELLED,
        "its hook was removed",
    )
    assert receiver.came.empty()


def test_a_hook_is_tried(queue, drain, receiver):
    hook(queue, receiver)
    task_id = queue.hooks.test("ops")
    drain()
    event = json.loads(receiver.next().body)
    assert (event["type"], event["delivery"]["id"]) == ("hook.test", str(task_id))


def test_a_command_finds_the_event_in_its_environment(queue, drain):
    queue.hooks.add("tell", on=["failed"], command=["sh", "-c", 'printf %s "$JOBRUNNER_EVENT"'])
    task = queue.enqueue(BROKEN)
    drain()
    (record,) = queue.history(sender(queue).id)
    assert json.loads(record.stdout)["data"]["id"] == task.id


def test_our_own_names_are_nobody_elses(queue):
    with pytest.raises(InvalidTaskError, match="jobrunner's own"):
        queue.enqueue(NewTask(command=["ls"], queue=HOOKS_QUEUE))
    with pytest.raises(InvalidTaskError, match="jobrunner's own"):
        queue.task(name=WEBHOOK)(print)


WORKER = """
import sys
from jobrunner import TaskQueue, Worker
Worker(TaskQueue(sys.argv[1], emit=lambda _: None), concurrency=1).run()
"""


def test_an_event_survives_the_worker_that_was_sending_it(queue, start_worker, receiver, location):
    hook(queue, receiver)
    receiver.answers = [None]
    queue.enqueue(NewTask(command=["false"], max_attempts=1))
    with subprocess.Popen([sys.executable, "-c", WORKER, location]) as killed:
        first = receiver.next()
        os.kill(killed.pid, signal.SIGKILL)
    start_worker()
    again = receiver.next()
    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    queue.wait([sender(queue)], timeout=60)
    assert outcomes(queue, sender(queue).id) == ["lost", "completed"]


def test_the_first_of_several_addresses_that_answers_is_taken(receiver, monkeypatch):
    port = int(receiver.url.split(":")[2].strip("/"))
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    target = event_hooks.Target("ops", f"http://some.example:{port}/", None, True)  # noqa: FBT003
    assert webhook._post(target, b"{}", webhook.headers(None, "1", 1, b"{}")) == 204
    found.pop()
    with pytest.raises(webhook.DeliveryError, match="refused"):
        webhook._post(target, b"{}", {})
