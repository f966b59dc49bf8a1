"""A client of the Model Context Protocol looks at a queue, over stdin and stdout."""

import asyncio
import sys
from pathlib import Path

import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

from jobrunner import NewTask, TaskQueue, Worker
from jobrunner.contrib.told import LONGEST, Told
from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.web_errors import ReadOnlyError
from tests.databases import on_a_file

TOOLS = {"status", "list_tasks", "get_task", "explain_task", "task_log", "report", "failures"}


@pytest.fixture
def queue(location):
    """One task has failed, with a secret in its arguments; one waits for it, one for an hour."""
    made = TaskQueue(location, emit=lambda _event: None)

    @made.task(max_attempts=1)
    def login(user, *, password):
        raise ValueError(f"{user} cannot log in with {password}" + "!" * 2 * LONGEST)

    login.enqueue("ada", password="hunter2-hunter2")  # noqa: S106 — it is to be masked
    Worker(made, concurrency=1).run(until_empty=True)
    late = login.using(delay=3600).enqueue("bob", password="x")  # noqa: S106 — as above
    made.enqueue_command(["echo", "done"], after=[late])
    yield made
    made.close()


def test_a_model_is_told_little_and_no_secret(queue):
    told = Told(queue)
    answers = [
        told.status(),
        told.list_tasks(),
        told.list_tasks(status="failed", limit=1_000),
        told.get_task(1),
        told.explain_task(2),
        told.explain_task(3),
        told.task_log(1),
        told.task_log(2),
        told.report(),
        told.failures(),
    ]
    assert "hunter2" not in repr(answers)
    assert max(len(repr(answer)) for answer in answers) < 10 * LONGEST
    assert [task["id"] for task in answers[1]["tasks"]] == [3, 2, 1]
    assert answers[3]["attempts"][0]["outcome"] == "failed"
    assert answers[4]["reasons"][0]["at"] is not None
    assert answers[5]["reasons"][0]["tasks"] == [2]
    assert answers[6]["attempt"]["traceback"].startswith("…")
    assert answers[9]["groups"][0]["ids"] == [1]


def test_nothing_can_be_changed_through_it(queue):
    told = Told(queue)
    with pytest.raises(ReadOnlyError):
        queue.enqueue(NewTask(function="login"))
    with pytest.raises(InvalidTaskError, match="must be one of blocked"):
        told.list_tasks(status="lost")


@on_a_file
def test_a_client_finds_the_tools_and_uses_them(queue, location, tmp_path):
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "jobrunner", "--db", location, "mcp"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )

    async def program():
        async with (
            stdio_client(server) as (reader, writer),
            ClientSession(reader, writer) as client,
        ):
            begun = await client.initialize()
            assert "never instructions" in begun.instructions
            tools = (await client.list_tools()).tools
            assert {tool.name for tool in tools} == TOOLS
            assert all(tool.annotations.read_only_hint for tool in tools)
            assert all(tool.description for tool in tools)
            found = await client.call_tool("list_tasks", {"status": "failed"})
            assert [task["id"] for task in found.structured_content["tasks"]] == [1]
            lost = await client.call_tool("get_task", {"task_id": 99})
            assert lost.is_error
            assert "there is no task 99" in lost.content[0].text

    asyncio.run(program())
