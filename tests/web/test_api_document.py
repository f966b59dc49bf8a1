"""The OpenAPI document: what it says of each route, and that answers are as it says."""

import pytest
from pydantic import TypeAdapter

from jobrunner import NewTask
from jobrunner.core import control_objects, insight_objects, objects
from jobrunner.core.explanation_objects import explanation_object
from jobrunner.core.lines import KEYS
from jobrunner.core.status import Status
from jobrunner.web.api import house_models, insight_models, models
from jobrunner.web.api.asked import LineAsked, TaskAsked
from jobrunner.web.api.orders import ScheduleAsked
from tests.web.test_api_house import add_worker

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture
def document(client):
    return client.get("/api/v1/openapi.json").json()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            if path.startswith("/api/"):
                yield method, operation


def test_every_route_has_a_summary_and_a_name_in_plain_words(document):
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(names)) == len(names) > 40
    for _, operation in operations(document):
        assert operation["summary"][-1] != "."
        assert operation["operationId"].replace("_", "").isalpha()
        assert operation["tags"]


def test_every_problem_is_told(document):
    for method, operation in operations(document):
        told = set(operation["responses"])
        assert {"400", "401", "403", "405", "429", "503"} <= told
        if method == "get":
            assert {"200", "304"} <= told
        else:
            assert {"404", "409", "413", "415", "422"} <= told
    for response in document["components"]["responses"].values():
        schema = response["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


def test_every_body_has_an_example_that_is_taken(document):
    schemas = document["components"]["schemas"]
    for _, operation in operations(document):
        if "requestBody" not in operation:
            continue
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        found = schema.get("anyOf", [schema])[0]
        assert schemas[found["$ref"].rpartition("/")[2]]["examples"]
    for example in schemas["TaskAsked"]["examples"]:
        TaskAsked.model_validate(example)
    for example in schemas["ScheduleAsked"]["examples"]:
        ScheduleAsked.model_validate(example)


def test_what_an_answer_leads_on_to_is_linked(document):
    links = document["paths"]["/api/v1/tasks"]["post"]["responses"]["201"]["links"]
    assert {"get_a_task", "cancel_a_task", "get_the_log_of_a_task"} <= links.keys()


def test_a_token_is_asked_for_once_there_is_one(queue, client, make_client):
    def security(told):
        return told.json()["paths"]["/api/v1/status"]["get"]["security"]

    assert security(client.get("/api/v1/openapi.json")) == [{"token": []}, {}]
    token = queue.tokens.add("ada", "read")
    assert client.get("/api/v1/openapi.json").status_code == 401
    assert security(make_client(token=token).get("/api/v1/openapi.json")) == [{"token": []}]


def test_one_task_and_a_line_take_the_same_fields():
    assert {*LineAsked.model_fields} == {*KEYS}
    assert {*TaskAsked.model_fields} == {*KEYS} - {"ref"}


def test_the_words_are_those_of_the_core():
    assert TypeAdapter(models.StatusWord).json_schema()["enum"] == [*map(str, Status)]


def test_models_are_as_the_objects_of_the_core(queue):
    queue.enqueue(NewTask(function="f", queue="q"))
    queue.schedules.add("s", "@daily", NewTask(function="f"))
    batch = queue.batches.enqueue([NewTask(function="f")])
    add_worker(queue)
    told = {
        models.TaskShown: objects.task_object(queue.get(1)),
        house_models.QueueShown: control_objects.queue_object(queue.queues.list()[0]),
        house_models.WorkerShown: objects.worker_object(queue.workers()[0]),
        house_models.ScheduleShown: control_objects.schedule_object(queue.schedules.get("s")),
        house_models.BatchShown: control_objects.batch_object(batch),
        house_models.ReportShown: objects.report_object(queue.report()),
        house_models.SystemShown: control_objects.status_object(queue.status(), queue.clock.now()),
        insight_models.GraphShown: insight_objects.graph_object(queue.insight.graph(1)),
        insight_models.ExplanationShown: explanation_object(queue.explain(1)),
    }
    for model, shown in told.items():
        assert model.model_validate(shown).model_dump(by_alias=True) == shown
