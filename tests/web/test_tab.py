"""What is sent to one page: in order, the newest only where it is slow, and a sign of life."""

import asyncio
import json
from datetime import UTC, datetime

from jobrunner.core.insight import Changes, Cursor, Enqueued
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.web import tab as tabs
from jobrunner.web.tab import BEGIN, ROOM, SILENCE, Tab
from jobrunner.web.update import Alive, Rates, Speedometer, Update

HOSTILE = "a\r\n\r\nevent: b\ndata: {}\n\n\u2028\ud800"


def update(number: int, *names: str) -> Update:
    new = [
        Enqueued(id=TaskId(number), name=name, queue="default", status=Status.PENDING)
        for name in names
    ]
    changes = Changes(cursor=Cursor(number, 0), enqueued=new, ended=[])
    return Update(datetime(2026, 1, 1, tzinfo=UTC), changes, Alive())


def sent(tab: Tab, count: int, **options: float) -> list[bytes]:
    async def take() -> list[bytes]:
        sending = tab.sending(**options)
        return [await anext(sending) for _ in range(count)]

    return asyncio.run(take())


def told(event: bytes) -> dict[str, object]:
    return json.loads(event.decode().splitlines()[2].removeprefix("data: "))


def test_updates_are_sent_in_order():
    tab = Tab(None)
    for number in range(ROOM):
        tab.put(update(number))
    begin, *events = sent(tab, ROOM + 1)
    assert begin == BEGIN
    assert [event.splitlines()[0] for event in events] == [
        f"id: t{number}-a0".encode() for number in range(ROOM)
    ]
    assert not any(told(event)["is_cut"] for event in events)


def test_a_slow_tab_gets_the_newest_only_and_knows_it():
    tab = Tab(None)
    for number in range(ROOM + 1):
        tab.put(update(number))
    event = sent(tab, 2)[1]
    assert told(event)["cursor"] == f"t{ROOM}-a0"
    assert told(event)["is_cut"]


def test_silence_shows_that_it_lives():
    assert sent(Tab(None), 3, heartbeat=0.001) == [BEGIN, SILENCE, SILENCE]


def test_what_waits_is_sent_before_it_ends():
    async def take() -> list[bytes]:
        tab = Tab(None)
        tab.put(update(1))
        tab.end()
        return [event async for event in tab.sending()]

    assert len(asyncio.run(take())) == 2


def test_a_stream_ends_by_itself_so_that_its_token_is_looked_at_again(monkeypatch):
    monkeypatch.setattr(tabs, "LONGEST", 0.0)

    async def take() -> list[bytes]:
        return [event async for event in Tab(None).sending()]

    assert asyncio.run(take()) == [BEGIN]


def test_no_name_ends_an_event():
    event = update(1, HOSTILE).event
    assert event.endswith(b"\n\n")
    assert len(event.strip().splitlines()) == 3
    assert told(event)["enqueued"] == [
        {"id": 1, "name": HOSTILE, "queue": "default", "status": "pending"}
    ]


def test_an_update_is_written_once_for_all_tabs():
    one = update(1)
    assert one.event is one.event


def test_rates_are_those_of_the_last_seconds():
    speed = Speedometer()
    assert speed.rates(100.0, Cursor(10, 5)) == Rates(0, 0)
    assert speed.rates(102.0, Cursor(30, 9)) == Rates(10, 2)
    assert speed.rates(104.0, Cursor(30, 9)) == Rates(5, 1)
    assert speed.rates(114.0, Cursor(30, 9)) == Rates(0, 0)


def test_what_comes_after_a_silence_has_just_come():
    speed = Speedometer()
    speed.rates(0.0, Cursor())
    assert speed.rates(3600.0, Cursor(20, 0)) == Rates(2, 0)
    speed.forget()
    assert speed.rates(3601.0, Cursor(40, 0)) == Rates(0, 0)
