"""Streams end by themselves: of whoever may not listen any more, or takes nothing."""

import asyncio

import pytest

from jobrunner import NewTask
from jobrunner.core.role import Role
from jobrunner.core.web_errors import TooManyStreamsError
from jobrunner.web import tab as tabs
from jobrunner.web.api import live
from jobrunner.web.stream import Feed
from tests.web.listening import listening


def test_who_has_no_token_any_more_is_told_nothing_more(serve, queue, tokens, monkeypatch):
    monkeypatch.setattr(live, "ASK_EVERY", 0.0)
    served = serve()
    served.client.headers["Authorization"] = f"Bearer {tokens[Role.READ]}"
    with listening(served) as heard:
        heard.next()
        queue.tokens.remove(Role.READ.value)
        queue.enqueue(NewTask(function="private"))
        with pytest.raises(EOFError):
            heard.next()


def test_who_takes_nothing_is_not_waited_for(queue, monkeypatch):
    monkeypatch.setattr(tabs, "LONGEST", 0.0)
    monkeypatch.setattr(tabs, "HEARTBEAT", 0.05)

    async def stall() -> int:
        async def never(*_message: object) -> None:
            await asyncio.Event().wait()

        feed = Feed(queue)
        stream = live.Stream(feed, feed.listen(), lambda: True)
        async with asyncio.timeout(30):
            await stream({"type": "http", "asgi": {"spec_version": "2.3"}}, never, never)
        feed.end()
        return feed.listening

    assert asyncio.run(stall()) == 0


def test_nobody_takes_all_streams(queue):
    async def crowd() -> None:
        feed = Feed(queue, most=4)
        for _ in range(2):
            feed.listen(who="one")
        with pytest.raises(TooManyStreamsError):
            feed.listen(who="one")
        feed.listen(who="other")
        feed.end()

    asyncio.run(crowd())
