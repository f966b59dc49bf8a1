"""The app answers, and tells errors as problem details."""

import pytest
from starlette.testclient import TestClient

from jobrunner import TaskQueue
from jobrunner.web.acts import Acting
from jobrunner.web.app import create_app
from jobrunner.web.identity import Operator, Reader


@pytest.fixture
def app(tmp_path):
    queue = TaskQueue(tmp_path / "jobs.db")
    yield create_app(queue)
    queue.close()


def test_an_unknown_path_is_a_problem(app):
    answer = TestClient(app).get("/api/v1/nothing")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "Not Found"


def test_an_act_goes_through_to_the_queue(app):
    @app.post("/api/v1/try/{task_id}")
    def cancel(task_id: int, acts: Acting, _who: Operator) -> str:
        return acts.cancel(task_id)

    @app.get("/api/v1/try")
    def look(who: Reader) -> str:
        return who.name

    client = TestClient(app)
    assert client.get("/api/v1/try").json() == "anonymous"
    answer = client.post("/api/v1/try/7")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:jobrunner:task-not-found")
    app.state.queue.enqueue_command(["true"])
    assert client.post("/api/v1/try/1").json() == "cancelled"
    assert client.post("/api/v1/try/x").status_code == 422
