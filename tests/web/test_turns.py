"""What takes long and much room is done once at a time."""

import threading

import pytest

from jobrunner.core.web_errors import TooManyRequestsError
from jobrunner.web import limits
from tests.databases import on_a_file

REPORT = "/api/v1/report"


def test_who_waits_in_vain_is_sent_away(monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    turns = limits.Turns()
    with turns.taken(), pytest.raises(TooManyRequestsError), turns.taken():
        pass
    with turns.taken():
        pass


@on_a_file
def test_there_is_one_report_at_a_time(client, queue, monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE", 0.01)
    begun, go_on = threading.Event(), threading.Event()
    report = queue.report

    def slow(**asked):
        begun.set()
        assert go_on.wait(30)
        return report(**asked)

    monkeypatch.setattr(queue, "report", slow)
    first = threading.Thread(target=client.get, args=(REPORT,))
    first.start()
    assert begun.wait(30)
    answer = client.get(REPORT)
    go_on.set()
    first.join()
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert client.get(REPORT).status_code == 200
