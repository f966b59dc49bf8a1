"""The overview shows how all is going, and retries what has failed with one error."""

import re
import threading
from datetime import timedelta
from html import escape

import pytest

from jobrunner import NewTask
from jobrunner.core.finding import problem
from jobrunner.core.status import Status
from jobrunner.web.csrf import HEADER
from jobrunner.web.findings import Findings
from jobrunner.web.ranges import Range
from jobrunner.web.shared import Shared
from tests.web.listening import listening
from tests.web.populated import HOSTILE, QUEUE, populate


@pytest.fixture
def page(queue, client) -> str:
    populate(queue)
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.text


def number(page: str, status: str) -> str:
    return re.search(rf'data-count="{status}">([\d,]+)<', page).group(1)


def test_each_status_has_a_tile_with_its_number_that_leads_to_its_tasks(page):
    assert {status: number(page, status) for status in Status} == {
        **dict.fromkeys(Status, "0"),
        Status.COMPLETED: "2",
        Status.FAILED: "4",
        Status.PENDING: "2",
    }
    for status in Status:
        assert f'href="/tasks?status={status}"' in page


def test_failures_are_grouped_by_their_error(page):
    assert page.count("Retry group</button>") == 2
    assert "Retry 3 tasks?" in page
    assert "Retry 1 task?" in page
    assert "no such file /data/2.mp4" in page


def test_hostile_text_stays_text(page):
    assert escape(HOSTILE, quote=False)[:20] in page
    for part in ("<img src=x", "<script>alert", "mail'\"><b>", ">49<"):
        assert part not in page
    assert "queue=mail%27%22%3E%3Cb%3E%26" in page


def test_it_tells_queues_workers_and_what_waits_longest(page):
    assert escape(QUEUE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
    assert 'href="/workers">0</a>' in page
    assert "nothing waits" not in page


def test_it_tells_the_five_schedules_that_fire_next(queue, client):
    for number_ in range(7):
        task = NewTask(function="work")
        queue.schedules.add(f"s{number_}", timedelta(hours=number_ + 1), task)
    queue.schedules.pause("s1")
    text = client.get("/").text
    assert re.findall(r"s\d(?= <span)", text) == ["s0", "s2", "s3", "s4", "s5"]


def test_a_group_is_retried_by_those_that_failed_with_its_error(queue, client, page):
    group = re.search(r'name="group" value="(\w+)"', page).group(1)
    fields = {"group": group, "range": "24h"}
    answer = client.post("/overview/retry", data=fields, headers=word(page))
    assert answer.status_code == 303
    counts = queue.counts()
    (told,) = queue.audit.list()
    assert (told.action, told.detail["done"]) == ("bulk retry", 4 - counts[Status.FAILED])
    assert answer.headers["location"] == f"/?range=24h&retried={told.detail['done']}&refused=0"
    after = client.get(answer.headers["location"]).text
    assert "again." in after
    assert number(after, "failed") == str(counts[Status.FAILED])


def word(page: str) -> dict[str, str]:
    return {HEADER: re.search('csrf-token" content="([^"]+)"', page).group(1)}


def test_a_group_that_is_no_more_is_no_error(client, page):
    answer = client.post("/overview/retry", data={"group": "0" * 16}, headers=word(page))
    assert answer.headers["location"] == "/?range=1h&retried=0&refused=0"


def test_nobody_retries_without_a_word_of_the_page(queue, client, page):
    group = re.search(r'name="group" value="(\w+)"', page).group(1)
    answer = client.post("/overview/retry", data={"group": group})
    assert answer.status_code == 403
    assert queue.counts()[Status.FAILED] == 4


@pytest.mark.parametrize("role", ["read", "submit"])
def test_who_may_not_operate_sees_no_button_and_cannot_use_it(queue, make_client, tokens, role):
    populate(queue)
    client = make_client(token=tokens[role])
    page = client.get("/").text
    assert "no such file" in page
    assert "Retry group" not in page
    assert client.post("/overview/retry", data={"group": "0" * 16}).status_code == 403


def test_read_only_nothing_is_retried(queue, make_client):
    populate(queue)
    client = make_client(read_only=True)
    page = client.get("/").text
    assert "Retry group" not in page
    group = queue.insight.failures()[0].fingerprint
    answer = client.post("/overview/retry", data={"group": group}, headers=word(page))
    assert answer.status_code == 403
    assert queue.counts()[Status.FAILED] == 4


def test_what_one_may_see_is_not_shown_to_another_from_memory(queue, make_client, tokens):
    populate(queue)
    client = make_client(token=tokens["operate"])
    assert "Retry group" in client.get("/overview/figures").text
    client.headers["Authorization"] = f"Bearer {tokens['read']}"
    assert "Retry group" not in client.get("/overview/figures").text


@pytest.mark.parametrize("span", Range)
def test_the_charts_show_the_span_that_the_address_names(queue, client, span):
    populate(queue)
    page = client.get("/", params={"range": span}).text
    assert page.count(f'data-series-url="/overview/series?range={span}"') == 3
    assert re.search(rf'href="/\?range={span}" aria-current="page"', page)
    told = client.get("/overview/series", params={"range": span}).json()
    assert sum(bucket["completed"] for bucket in told["buckets"]) == 2
    assert sum(bucket["failed"] for bucket in told["buckets"]) == 4
    assert not told["is_cut"]


@pytest.mark.parametrize("asked", ["range=2h", "retried=-1", "retried=9999999", "refused=x"])
def test_what_makes_no_sense_is_refused(client, asked):
    assert client.get(f"/?{asked}").status_code == 422


def test_findings_stand_on_top(queue, make_client, monkeypatch):
    found = [problem("disk", f"it is full of {HOSTILE}", "Make room")]
    monkeypatch.setattr(type(queue), "examine", lambda _self: found)
    client = make_client()
    client.app.state.glance.findings.all()
    text = client.get("/").text
    assert "disk:" in text
    assert "<img src=x" not in text


def test_findings_are_looked_for_once_and_nobody_waits(queue, monkeypatch):
    looks = []
    begun, may_end = threading.Event(), threading.Event()

    def examine(_self):
        begun.set()
        assert may_end.wait(30)
        looks.append(1)
        return [problem("disk", "it is full", "Make room.")]

    monkeypatch.setattr(type(queue), "examine", examine)
    findings = Findings(queue)
    assert list(findings.trouble()) == []
    assert begun.wait(30)
    assert list(findings.trouble()) == []
    may_end.set()
    assert [one.name for one in findings.all()] == ["disk"]
    assert [one.name for one in findings.trouble()] == ["disk"]
    assert looks == [1]


class Times:
    """A clock that stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_made_once_a_second():
    times = Times()
    shared, made = Shared(times), iter(range(10))
    assert [shared.get("a", lambda: next(made)) for _ in range(3)] == [0, 0, 0]
    assert shared.get("b", lambda: next(made)) == 1
    times.now = 1.0
    assert shared.get("a", lambda: next(made)) == 2
    shared.forget()
    assert shared.get("a", lambda: next(made)) == 3


def test_what_takes_long_is_made_less_often():
    times = Times()
    shared = Shared(times)

    def slow() -> float:
        times.now += 2.0
        return times.now

    assert shared.get("a", slow) == 2.0
    times.now = 21.0
    assert shared.get("a", slow) == 2.0
    times.now = 22.0
    assert shared.get("a", slow) == 24.0


def test_what_is_not_whole_is_made_anew():
    shared, made = Shared(Times()), iter(range(10))
    for wanted in (0, 1):
        assert shared.get("a", lambda: next(made), is_whole=lambda _: False) == wanted


def test_whoever_comes_while_it_is_made_gets_the_one_before():
    times = Times()
    shared = Shared(times)
    shared.get("a", lambda: "old")
    times.now = 5.0
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        assert may_end.wait(30)
        return "new"

    thread = threading.Thread(target=shared.get, args=("a", slow))
    thread.start()
    assert begun.wait(30)
    assert shared.get("a", lambda: "mine") == "old"
    may_end.set()
    thread.join(30)
    assert shared.get("a", lambda: "mine") == "new"


def test_the_counts_come_from_the_stream_while_somebody_listens(served, monkeypatch):
    with listening(served) as heard:
        heard.next()
        monkeypatch.setattr(served.queue.insight, "counts", None)
        assert served.client.get("/").status_code == 200
