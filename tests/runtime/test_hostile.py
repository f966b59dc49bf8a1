"""Whatever a task says, it is stored as it is, made storable, or the task's own error."""

import pytest

from jobrunner import NewTask, TaskQueue, context
from jobrunner.core.status import Status
from tests.corpus import TEXTS, VALUES
from tests.storage.test_hostile import same

ANYTHING = {**TEXTS, **VALUES}
said = TaskQueue("never-opened.db")


@said.task
def note(name: str) -> None:
    context.progress(1, note=ANYTHING[name])


@said.task
def progress(name: str) -> None:
    context.progress(ANYTHING[name], total=ANYTHING[name])


@said.task
def checkpoint(name: str) -> None:
    context.checkpoint(ANYTHING[name])
    assert same(context.last_checkpoint(), ANYTHING[name])


@said.task
def result(name: str) -> object:
    return ANYTHING[name]


@said.task
def error(name: str) -> None:
    raise ValueError(ANYTHING[name])


@pytest.fixture
def ran(queue, drain):
    """Run one function with each name of the corpus; every task has ended, whatever it said."""

    def run(function):
        queue.registry.add(said.registry.get(function.name))
        new = [NewTask(function=function.name, args=[name], max_attempts=1) for name in ANYTHING]
        ids = [task.id for task in queue.enqueue_many(new)]
        drain()
        tasks = dict(zip(ANYTHING, (queue.get(task_id) for task_id in ids), strict=True))
        assert all(task.status.is_final for task in tasks.values())
        assert all("database" not in str(task.error).lower() for task in tasks.values())
        return tasks

    return run


def test_a_note_is_shown_as_it_is_or_refused(ran):
    for name, task in ran(note).items():
        if task.status is Status.COMPLETED:
            assert task.progress.note == ANYTHING[name], name
        else:
            assert task.error.startswith("PayloadError: note "), name


def test_progress_is_a_finite_number_or_refused(ran):
    for name, task in ran(progress).items():
        if task.status is Status.COMPLETED:
            assert task.progress.done == float(ANYTHING[name]), name
        else:
            refusals = ("PayloadError: ", "TypeError: ", "OverflowError: ")
            assert task.error.startswith(refusals), name


@pytest.mark.parametrize("function", [checkpoint, result], ids=["checkpoint", "result"])
def test_a_value_comes_back_as_it_is_or_is_refused(ran, function):
    what = "checkpoint" if function is checkpoint else "result"
    for name, task in ran(function).items():
        if task.status is Status.FAILED:
            assert task.error.startswith(f"PayloadError: {what} "), name
        elif function is result:
            assert same(task.result(), ANYTHING[name]), name


def test_an_error_is_one_line_that_can_be_stored(ran, queue):
    for name, task in ran(error).items():
        assert task.status is Status.FAILED
        assert task.error.startswith("ValueError"), name
        assert len(task.error) < 600
        assert "\n" not in task.error
        assert "\0" not in task.error
        (record,) = queue.history(task.id)
        assert len(record.traceback) < 25_000


def test_the_output_of_a_command_is_kept_as_text(queue, drain, tmp_path):
    ids = {}
    for number, (name, text) in enumerate(TEXTS.items()):
        path = tmp_path / str(number)
        path.write_bytes(text.encode(errors="surrogatepass"))
        script = 'cat "$0"; cat "$0" >&2; exit 3'
        command = ["sh", "-c", script, str(path)]
        ids[name] = queue.enqueue(NewTask(command=command, max_attempts=1)).id
    drain()
    for name, task_id in ids.items():
        (record,) = queue.history(task_id)
        told = TEXTS[name].encode(errors="surrogatepass").decode(errors="replace")
        told = told.replace("\0", "\N{SYMBOL FOR NULL}")
        if len(told) > 100_000:
            assert "characters left out" in record.stdout or record.stdout == told, name
            assert record.stdout[:1_000] == told[:1_000]
        else:
            assert (record.stdout, record.stderr) == (told, told), name
        assert queue.get(task_id).error.startswith("exit code 3"), name
