"""What happens is told to programs one answer at a time; and not everybody gets a stream."""

import pytest

from jobrunner import NewTask
from jobrunner.core.insight import Cursor
from jobrunner.web.stream import Feed
from tests.web.listening import ACCEPT, PATH


def test_there_are_only_so_many_streams(client, queue):
    client.app.state.feed = Feed(queue, most=0)
    answer = client.get(PATH, headers=ACCEPT)
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:jobrunner:too-many-streams"


def test_a_program_asks_once(client, queue):
    first = client.get(PATH).json()
    queue.enqueue_many([NewTask(function="work")] * 2)
    then = client.get(PATH, params={"since": first["cursor"]}).json()
    assert [each["name"] for each in then["enqueued"]] == ["work", "work"]
    assert then["counts"]["pending"] == 2
    assert Cursor.parse(then["cursor"]).task_id == then["enqueued"][-1]["id"]


@pytest.mark.parametrize("cursor", ["", "t1", "t-1-a0", "t9999999999999999999-a0", "t1-a1\n"])
def test_a_cursor_that_is_none_is_refused(client, cursor):
    for known in ({"params": {"since": cursor}}, {"headers": {"Last-Event-ID": cursor.strip()}}):
        if cursor.strip() == "t1-a1" and "headers" in known:
            continue
        answer = client.get(PATH, **known)
        assert answer.status_code == 422, known
        assert answer.headers["content-type"] == "application/problem+json"
