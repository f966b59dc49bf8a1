"""A task that has opted in and has not changed ends from the cache, and any other one runs."""

import pytest

from jobrunner import Cache, NewTask, Status
from jobrunner.core.errors import InvalidTaskError
from jobrunner.runtime import contents
from tests.databases import on_a_file
from tests.runtime import remembered as r
from tests.runtime.durable import tuple_step
from tests.runtime.support import outcomes

EXECUTORS = ["thread", "async", "process"]
BY_PATH = Cache(inputs=["{path}"])


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text"
    path.write_text("a few words")
    return path


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def runs(log):
    return len(log.read_text().split()) if log.exists() else 0


@pytest.fixture
def run(queue, drain):
    """Enqueue, work, and tell how the task has ended."""

    def call(new, **options):
        task = queue.enqueue(new)
        drain(**options)
        return queue.get(task.id), outcomes(queue, task.id)

    return call


@pytest.mark.parametrize("function", [r.count_words, r.count_words_async])
@pytest.mark.parametrize("executor", EXECUTORS)
def test_an_unchanged_task_ends_from_the_cache(run, text, log, executor, function):
    new = function.using(cache=BY_PATH).bind(str(text), str(log))
    first, _ = run(new, executor=executor)
    second, ends = run(new, executor=executor)
    assert (first.returned, second.returned) == (3, 3)
    assert (second.status, ends) == (Status.COMPLETED, ["cached"])
    assert runs(log) == 1
    text.write_text("a few words more")
    third, ends = run(new, executor=executor)
    assert (third.returned, ends) == (4, ["completed"])
    text.write_text("a few words")
    assert run(new, executor=executor)[1] == ["cached"]


def test_who_has_not_opted_in_always_runs(run, text, log):
    for _ in range(2):
        assert run(r.count_words.bind(str(text), str(log)))[1] == ["completed"]
    assert runs(log) == 2


def test_other_arguments_another_version_or_function_are_another_task(run, text, log):
    variants = [
        r.count_words.using(cache=BY_PATH).bind(str(text), str(log)),
        r.count_words.using(cache=BY_PATH).bind(str(text), str(log), at_least=2),
        r.count_words.using(cache=Cache(inputs=["{path}"], version="2")).bind(str(text), str(log)),
        r.count_words.using(cache=True).bind(str(text), str(log)),
        r.count_words_async.using(cache=BY_PATH).bind(str(text), str(log)),
    ]
    assert [run(new)[1] for new in variants] == [["completed"]] * 5
    assert [run(new)[1] for new in variants] == [["cached"]] * 5
    same = r.count_words.using(cache=BY_PATH).bind(log=str(log), path=str(text), at_least=0)
    assert run(same)[1] == ["cached"]


def test_outputs_must_be_there_as_they_were_left(run, text, log, tmp_path):
    target = tmp_path / "copy"
    new = r.copy.using(cache=Cache(inputs=["{source}"], outputs=["{target}"])).bind(
        str(text), str(target), str(log)
    )
    assert run(new)[1] == ["completed"]
    assert run(new)[1] == ["cached"]
    target.write_text("spoilt")
    assert run(new)[1] == ["completed"]
    target.unlink()
    assert run(new)[1] == ["completed"]
    assert target.read_text() == "a few words"
    assert run(new)[1] == ["cached"]


def test_outputs_that_were_not_made_keep_nothing(run, text, log):
    new = r.count_words.using(cache=Cache(outputs=["never made"])).bind(str(text), str(log))
    assert [run(new)[1] for _ in range(2)] == [["completed"]] * 2


def test_an_input_that_changes_while_it_runs_keeps_nothing(run, text, log):
    new = r.meddle.using(cache=BY_PATH).bind(str(text), str(log))
    run(new)
    text.write_text("a few words")
    assert run(new)[1] == ["completed"]


def test_a_failure_is_not_kept(run, text, log):
    new = r.fail_with.using(cache=BY_PATH, max_attempts=1).bind(str(text), str(log))
    assert [run(new)[1] for _ in range(2)] == [["failed"]] * 2


def test_a_command_that_has_not_changed_is_not_run(run, tmp_path, text, log):
    script = f"echo ran >> {log}; cp text copy"
    new = NewTask(
        command=["sh", "-c", script],
        cwd=str(tmp_path),
        cache=Cache(inputs=["text"], outputs=["copy"]),
    )
    assert run(new)[1] == ["completed"]
    task, ends = run(new)
    assert (ends, task.returned, runs(log)) == (["cached"], 0, 1)
    (tmp_path / "copy").unlink()
    assert run(new)[1] == ["completed"]
    text.write_text("other")
    assert run(new)[1] == ["completed"]
    elsewhere = NewTask(command=["sh", "-c", "true"], cwd="/tmp", cache=Cache())  # noqa: S108
    here = NewTask(command=["sh", "-c", "true"], cwd=str(tmp_path), cache=Cache())
    assert [run(new)[1] for new in (elsewhere, here)] == [["completed"]] * 2


def test_the_results_of_a_cached_task_release_its_dependents(queue, drain, run, text, log):
    new = r.count_words.using(cache=BY_PATH).bind(str(text), str(log))
    run(new)
    parent = queue.enqueue(new)
    dependent = queue.enqueue(tuple_step.using(after=[parent]).bind())
    drain()
    assert queue.get(dependent.id).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        (["{pth}"], "cannot be filled with the arguments"),
        (["{"], "cannot be filled with the arguments"),
        (["{path.a}"], "cannot be filled with the arguments"),
        (["/"], "is no file"),
    ],
)
def test_files_that_cannot_be_told_fail_the_task_at_once(run, text, log, inputs, problem):
    task, ends = run(r.count_words.using(cache=Cache(inputs=inputs)).bind(str(text), str(log)))
    assert problem in task.error
    assert ends == ["failed"]
    assert runs(log) == 0


@on_a_file
@pytest.mark.parametrize("end", ["", "-wal", "-shm", ".lock"])
def test_the_database_is_no_input(queue, run, text, log, tmp_path, end):
    queue.counts()
    link = tmp_path / "link"
    link.hardlink_to(f"{queue.database.path}{end}")
    task, _ = run(r.count_words.using(cache=Cache(inputs=[str(link)])).bind(str(text), str(log)))
    assert "is the database of the tasks themselves" in task.error


def test_arguments_that_do_not_fit_are_told_by_the_function(run, log):
    task, _ = run(NewTask(function="count_words", args=[1], max_attempts=1, cache=Cache()))
    assert task.error.startswith("TypeError: count_words() missing")


@pytest.mark.parametrize(
    "wrong",
    [
        {"inputs": "a"},
        {"outputs": [1]},
        {"inputs": [""]},
        {"version": 1},
        {"files": []},
        "yes",
        7,
    ],
)
def test_a_cache_that_is_none_is_refused(queue, wrong):
    with pytest.raises(InvalidTaskError):
        queue.new_task("count_words", args=[1], cache=wrong)
    with pytest.raises(InvalidTaskError):
        NewTask(function="count_words", cache=wrong)


def test_the_code_of_a_function_identifies_it_whatever_lines_it_stands_on():
    def version(text):
        names = {}
        exec(text, names)  # noqa: S102 — to have the same code at another place
        return contents.of_function(names["f"])

    one = "def f(x):\n    return [y for y in x if y in {'a', 'b', 'c'}]\n"
    assert version(one) == version("\n\n# moved\n" + one)
    assert version(one) != version(one.replace("'c'", "'d'"))
    assert version(one) != version(one.replace("y in {", "y not in {"))
    with pytest.raises(InvalidTaskError, match="no code"):
        contents.of_function(len)
