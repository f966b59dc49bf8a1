"""What those ask who run servers."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobrunner import NewTask
from jobrunner.core.errors import DatabaseError
from jobrunner.core.role import Role
from tests.databases import on_a_file


def figures(text):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_reads_the_figures(client, queue):
    queue.enqueue(NewTask(function="work"))
    with queue.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE tasks SET run_at = run_at - {3_600 * 10**6}")  # noqa: S608
    queue.enqueue(NewTask(function="work", delay=timedelta(hours=1)))
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = figures(answer.text)
    assert found["jobrunner_tasks", "pending"] == 1
    assert found["jobrunner_tasks", "scheduled"] == 1
    assert found["jobrunner_tasks", "failed"] == 0
    assert found["jobrunner_workers", "running"] == 0
    assert 3_600 <= found["jobrunner_oldest_pending_seconds",] < 3_700


def test_the_figures_are_for_readers(client, tokens):
    assert client.get("/metrics").status_code == 401
    sent = {"Authorization": f"Bearer {tokens[Role.READ]}"}
    assert client.get("/metrics", headers=sent).status_code == 200


def test_a_server_without_its_database_lives_and_is_not_ready(client, queue, monkeypatch):
    def fail():
        raise DatabaseError("the database is away")

    assert client.get("/readyz").text == "ok"
    monkeypatch.setattr(queue.store, "reading", fail)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == "the database is away"
    assert client.get("/livez").text == "ok"


@on_a_file
def test_a_server_whose_file_has_gone_is_not_ready(client, queue):
    assert client.get("/readyz").text == "ok"
    path = queue.database.path
    path.rename(path.with_name("elsewhere.db"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"].endswith("jobs.db has gone")


@pytest.mark.parametrize("path", ["/livez", "/readyz"])
def test_probes_need_no_token(client, tokens, path):
    assert client.get(path).status_code == 200
