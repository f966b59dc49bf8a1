"""What notebooks show of tasks, queues and reports is escaped, masked and short."""

import re
from html.parser import HTMLParser

import pytest

from jobrunner import NewTask, TaskQueue, Worker

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e"


class Tags(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self):
        super().__init__()
        self.tags, self.text = set(), ""

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        assert attrs == []

    def handle_data(self, data):
        self.text += f"{data}|"


def read(html):
    parser = Tags()
    parser.feed(html)
    assert parser.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td"}
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e]", html)
    return parser.text


@pytest.fixture
def queue(tmp_path):
    queue = TaskQueue(tmp_path / "jobs.db", emit=lambda _event: None)
    yield queue
    queue.close()


def test_a_task_is_a_table(queue):
    task = queue.enqueue_command(["curl", "--password", "secret99", HOSTILE], queue=HOSTILE)
    text = read(task._repr_html_())
    assert text.startswith(f"Task {task.id}|status|pending|runs|curl --password •••• <script>")
    assert "secret99" not in text
    assert "attempt|0 of 5" in text


def test_a_failed_task_tells_its_error_and_no_secret(queue):
    def fail(token):
        raise ValueError(f"{HOSTILE} {token}" + 2000 * "x")

    task = queue.task(max_attempts=1)(fail).enqueue(token="hidden123")  # noqa: S106
    Worker(queue, concurrency=1).run(until_empty=True)
    text = read(task.refresh()._repr_html_())
    assert "error|ValueError: <script>" in text
    assert "hidden123" not in text


def test_a_queue_tells_how_many_tasks_stand_where(queue):
    queue.enqueue_many([NewTask(function="f") for _ in range(1234)])
    text = read(queue._repr_html_())
    assert text.endswith("jobs.db|status|tasks|pending|1,234|")


def test_a_queue_shows_no_password():
    queue = TaskQueue("postgresql://ada:secret99@localhost/nowhere")
    queue.counts = dict
    assert "secret99" not in queue._repr_html_()


def test_a_report_is_three_tables(queue):
    queue.enqueue_command(["true"])
    queue.task(name=HOSTILE)(print).enqueue()
    Worker(queue, concurrency=1).run(until_empty=True)
    text = read(queue.report()._repr_html_())
    assert text.startswith("Report|completed|2|throughput|")
    assert "|Functions|name|attempts|failed|run times|" in text
    assert "|Workers|id|status|completed|efficiency|" in text
    assert "<script>" in text
