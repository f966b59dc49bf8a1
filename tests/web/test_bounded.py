"""A body that trickles in, on and on, is given up."""

import asyncio

import pytest
from starlette.exceptions import HTTPException

from jobrunner.web import gate


def test_the_whole_of_a_body_must_come_in_time(monkeypatch):
    """However little comes at a time, and however often."""
    monkeypatch.setattr(gate, "SLOWEST_BODY", 0.1)

    async def trickle():
        loop = asyncio.get_running_loop()
        next_byte = loop.create_future()
        loop.call_later(0.01, next_byte.set_result, None)
        await next_byte
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read():
        receive = gate.bounded(trickle)
        async with asyncio.timeout(30):
            while True:
                await receive()

    with pytest.raises(HTTPException, match="in time"):
        asyncio.run(read())
