"""Queues with work on them: workers that are rows only, workflows that have run."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jobrunner import NewTask, TaskQueue
from jobrunner.core.role import Role
from jobrunner.testing import drain
from tests.storage.conftest import Store
from tests.web.forms import acts_of
from tests.web.made_up import HOSTILE


def assert_only_shown(make_client: Any, tokens: Any, path: str, post: str, **told: str) -> None:
    """Readers, and anybody on a server that only shows, see no acts on a page: none is taken."""
    watching = make_client(token=tokens[Role.READ])
    standing = make_client(token=tokens[Role.OPERATE], read_only=True)
    assert acts_of(make_client(token=tokens[Role.OPERATE]).get(path).text)
    for client, problem in ((watching, "this needs a token that may"), (standing, "only shows")):
        page = client.get(path)
        assert page.status_code == 200
        assert acts_of(page.text) == []
        answer = client.post(post, data=told)
        assert answer.status_code == 403
        assert problem in answer.json()["detail"]


def store_of(queue: TaskQueue) -> Store:
    """The store of a queue, with short ways to take tasks through it, from now on."""
    store = Store(queue.store.database)
    store.now = queue.clock.now()
    return store


def workflow(queue: TaskQueue, *, fails: bool = True) -> Mapping[str, int]:
    """Two sources, one of which may fail; two behind them, and one behind all. It has run."""

    @queue.task(max_attempts=1)
    def good() -> None:
        return

    @queue.task(max_attempts=1)
    def bad() -> None:
        if fails:
            raise ValueError(HOSTILE)

    one, other = good.bind(), bad.bind()
    left = good.using(after=[one]).bind()
    right = good.using(after=[one, other]).bind()
    last = good.using(after=[left, right], description=HOSTILE).bind()
    tasks = queue.enqueue_many([one, other, left, right, last])
    drain(queue, raise_errors=False)
    names = ("one", "other", "left", "right", "last")
    return {name: task.id for name, task in zip(names, tasks, strict=True)}


def wide(function: str, count: int) -> list[NewTask[Any]]:
    """One task, so many behind it, and one behind these: as a search through a sequence does it."""
    first = NewTask(function=function)
    middle = [NewTask(function=function, after=[first]) for _ in range(count)]
    return [first, *middle, NewTask(function=function, after=middle)]


def busy(queue: TaskQueue) -> Store:
    """Two workers with something in hand, one that stopped, one that was lost."""
    store = store_of(queue)
    store.worker("ada", host="box1", pid=11, concurrency=4, crew="night", queues=("mail", "media"))
    store.worker("bob", host="box2", pid=12, concurrency=2, executor="process")
    store.worker("eve", host="box3", pid=13)
    store.enqueue(*(NewTask(function="send", queue="mail") for _ in range(7)))
    store.add(function="render", queue="media", description=HOSTILE)
    store.claim("ada", limit=3, queues=("mail",))
    store.claim("bob", limit=1, queues=("media",))
    store.now += timedelta(seconds=1)
    assert store.lose("eve", reason=HOSTILE)
    return store
