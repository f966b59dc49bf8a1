"""Secrets of a task are masked on its page and in its downloads, which browsers do not open."""

from typing import Any

import pytest

from jobrunner.core.masking import MASK
from jobrunner.core.new_task import NewTask
from tests.web.task_data import SECRET, fill, run

HTML = {"Accept": "text/html"}


@pytest.fixture
def made(queue):
    return fill(queue)


def page(client: Any, task: Any) -> str:
    answer = client.get(f"/tasks/{task.id}", headers=HTML)
    assert answer.status_code == 200
    return answer.text


def test_secrets_are_masked_everywhere_and_in_downloads(client, made):
    paths = ("", "/log", "/result", "/neighbours", "/change")
    for path in paths:
        assert SECRET not in client.get(f"/tasks/{made['failed'].id}{path}").text
    assert f"no login for {MASK}" in page(client, made["failed"])
    assert f"no login for {MASK}" in client.get(f"/tasks/{made['failed'].id}/log").text


def test_a_secret_behind_much_output_is_masked_before_it_is_cut(client, queue):
    program = "print('x' * 65_000 + '\\npassword=' + 's' * 65_000)"
    task = queue.enqueue(NewTask(command=["python3", "-c", program], max_attempts=1))
    run(queue, 1)
    text = page(client, task)
    assert "ssss" not in text
    assert f"password={MASK}" in text


def test_large_integers_are_shown_to_the_last_digit(client, made):
    assert "12345678901234567890123" in page(client, made["completed"])
    assert "12345678901234567890123" in client.get(f"/tasks/{made['completed'].id}/result").text


@pytest.mark.parametrize("part", ["log", "result"])
def test_downloads_are_plain_text_and_attachments(client, made, part):
    for word in ("completed", "failed", "hostile", "pending"):
        answer = client.get(f"/tasks/{made[word].id}/{part}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"].startswith("attachment; filename=")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "\x1b" not in answer.text
        assert "\u202e" not in answer.text
