"""The page about the client: its examples are one program that runs as it stands."""

import os
import re
import subprocess
import sys
import threading

from jobrunner import Worker
from jobrunner.client import Client
from tests.databases import on_a_file
from tools.docs import DOCS

PAGE = DOCS / "client.md"


@on_a_file
def test_the_examples_of_the_page_run(serve, queue, tmp_path):
    queue.task(name="add")(lambda a, b: a + b)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    worker = Worker(queue, concurrency=1)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        ran = subprocess.run(
            [sys.executable, "-W", "error", program],
            env={**os.environ, "JOBRUNNER_URL": serve().url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        worker.stop()
        thread.join()
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.splitlines()
    assert said[:4] == ["result 3", "add 12", "count 7", "completed 3"]
    assert said[4:]
    assert {*said[4:]} == {"ended add completed"}


def test_the_page_names_all_that_there_is():
    page = PAGE.read_text(encoding="utf-8")
    with Client("http://127.0.0.1:8750") as client:
        parts = [client, client.queues, client.keys, client.crews, client.schedules]
        parts += [client.batches, client.bulk, client.events]
        methods = {
            name
            for part in parts
            for name in dir(part)
            if not name.startswith("_") and callable(getattr(part, name))
        }
    there = methods - {"close", "do"} - {"queues", "keys", "crews", "schedules", "batches", "bulk"}
    assert {
        name for name in there if f"`{name}`" not in page and f"client.{name}" not in page
    } == set()
