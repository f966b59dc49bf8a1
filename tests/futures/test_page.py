"""The pages on executors and on FastAPI work as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

from starlette.testclient import TestClient

import jobrunner.futures
from jobrunner import Status, TaskQueue, Unique
from tests.futures import functions as f
from tests.runtime.support import PATIENCE

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "futures.md").read_text(encoding="utf-8")
FASTAPI = (ROOT / "docs" / "fastapi.md").read_text(encoding="utf-8")
PROGRAM = re.compile(r"```python\n# (\w+\.py)\n(.*?)```", re.DOTALL)
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_program_of_the_page_prints_what_it_should(tmp_path):
    ((name, program),) = PROGRAM.findall(PAGE)
    (tmp_path / name).write_text(program)
    ran = subprocess.run(
        [sys.executable, "-W", "error", name],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = "[0, 1, 4, 9, 16]\n[36, 49]\n9 completed\n9\n"
    assert (ran.returncode, ran.stdout) == (0, told), ran.stderr


def test_the_other_blocks_of_the_page_run(tmp_path):
    queue = TaskQueue(tmp_path / "jobs.db", emit=lambda _event: None)
    blocks = BLOCK.findall(PAGE)[1:]
    names = {"queue": queue, "square": f.echo, "Status": Status, "Unique": Unique}
    waiting = queue.executor(0, queue="executor").submit(f.echo, 1)
    for block in blocks:
        exec(block, names)  # noqa: S102 — what the page says
    assert len(blocks) == 3
    assert [future.result() for future in names["left"]] == [1]
    assert waiting.result(PATIENCE) == 1
    ended = queue.counts()[Status.COMPLETED]
    exec(blocks[1], names)  # noqa: S102 — once more, as a program that is started again
    assert names["results"] == list(range(1_000))
    assert queue.counts()[Status.COMPLETED] == ended
    queue.close()


def test_every_public_name_is_told_and_there():
    assert [name for name in jobrunner.futures.__all__ if f"`{name}`" not in PAGE] == []
    assert all(
        getattr(jobrunner.futures, name).__name__ == name for name in jobrunner.futures.__all__
    )


def test_a_queue_alone_imports_no_workers():
    program = "import sys, jobrunner.task_queue; print('jobrunner.futures.executor' in sys.modules)"
    told = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)
    assert told == "False\n"


def test_the_application_of_the_page_runs_tasks(tmp_path, monkeypatch):
    ((_, program),) = PROGRAM.findall(FASTAPI)
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "app"}
    exec(program, names)  # noqa: S102 — what the page says
    with TestClient(names["app"]) as client:
        task = client.post("/thumbnails?path=a").json()["task"]
        names["queue"].wait([task], timeout=PATIENCE)
        told = client.get(f"/thumbnails/{task}").json()
    assert told == {"status": "completed", "path": "a.small"}
    names["queue"].close()
