"""What was enqueued is found by any of its values, and a failure shows what there is instead."""

from datetime import timedelta

import pytest

from jobrunner import NewTask, Status
from jobrunner.testing import assert_enqueued, drain, enqueued, refute_enqueued


@pytest.fixture
def mail(queue):
    @queue.task(name="mail.send", queue="mail")
    def send(to, *, subject=""):
        return to

    return send


@pytest.fixture
def failure():
    """The message of an assertion that fails."""

    def message(check, *given, **wanted):
        with pytest.raises(AssertionError) as raised:
            check(*given, **wanted)
        return str(raised.value)

    return message


def test_a_function_is_meant_by_itself_or_by_its_name(queue, mail):
    task = mail.enqueue("ada")
    assert enqueued(queue, function=mail) == enqueued(queue, function="mail.send") == [task]


@pytest.mark.parametrize(
    "wanted",
    [
        {"args": ["ada"]},
        {"args": ("ada",)},
        {"kwargs": {"subject": "hi"}},
        {"queue": "mail"},
        {"priority": 5},
        {"status": Status.PENDING},
        {"timeout": 60},
        {"timeout": timedelta(minutes=1)},
        {"description": ""},
    ],
)
def test_every_value_can_be_asked_for(queue, mail, wanted):
    mail.enqueue("bob")
    task = mail.using(priority=5, timeout=60).enqueue("ada", subject="hi")
    assert assert_enqueued(queue, **wanted) == task


def test_values_are_compared_as_they_are_stored(queue, mail):
    task = mail.enqueue({"pair": (1, 2)})
    assert assert_enqueued(queue, args=[{"pair": (1, 2)}]) == task


def test_parents_may_be_tasks_or_ids(queue, mail):
    first, second = mail.enqueue("a"), mail.enqueue("b")
    both = mail.using(after=[second, first]).enqueue("c")
    assert assert_enqueued(queue, after=[first.id, second]) == both


def test_a_command_is_found_by_its_argv(queue):
    task = queue.enqueue_command(["convert", "a.png"])
    assert assert_enqueued(queue, command=["convert", "a.png"]) == task


def test_tasks_are_found_whatever_has_become_of_them(queue, mail):
    task = mail.enqueue("ada")
    drain(queue)
    assert assert_enqueued(queue, function=mail).status is Status.COMPLETED
    assert enqueued(queue, status=Status.PENDING) == []
    assert enqueued(queue, id=task.id)[0].returned == "ada"


def test_they_come_oldest_first_and_the_newest_is_asserted(queue, mail):
    tasks = [mail.enqueue(name) for name in "abc"]
    assert enqueued(queue) == tasks
    assert assert_enqueued(queue, function=mail) == tasks[-1]


def test_more_than_fifty_are_found(queue, mail):
    queue.enqueue_many([mail.bind(str(number)) for number in range(120)])
    assert len(enqueued(queue, function=mail)) == 120


def test_a_failure_shows_the_nearest_first_and_in_what_they_differ(queue, mail, failure):
    queue.enqueue_command(["true"])
    mail.enqueue("bob", subject="hi")
    mail.using(priority=5).enqueue("ada", subject="hello")
    shown = failure(assert_enqueued, queue, function=mail, args=["ada"], priority=5, queue="post")
    assert shown.splitlines() == [
        "no task with function='mail.send' args=('ada',) priority=5 queue='post'; enqueued:",
        "  task 3 (pending) mail.send('ada', subject='hello'): queue is 'mail'",
        (
            "  task 2 (pending) mail.send('bob', subject='hi'): "
            "args is ('bob',), priority is 0, queue is 'mail'"
        ),
        (
            "  task 1 (pending) ['true']: "
            "function is None, args is (), priority is 0, queue is 'default'"
        ),
    ]


def test_a_failure_of_an_empty_queue_says_so(queue, mail, failure):
    assert failure(assert_enqueued, queue, function=mail) == (
        "no task with function='mail.send'; nothing was enqueued"
    )


def test_a_failure_stays_short(queue, mail, failure):
    queue.enqueue_many([mail.bind("x" * 1000) for _ in range(30)])
    shown = failure(assert_enqueued, queue, args=["y"]).splitlines()
    assert len(shown) == 12
    assert shown[-1] == "  and 20 more"
    assert max(map(len, shown)) < 250


def test_another_call_of_the_function_is_nearer_than_anything_else(queue, mail, failure):
    wanted = {"queue": "post", "priority": 5, "description": "for ada"}
    mail.enqueue("ada")
    queue.enqueue_command(["true"], **wanted)
    shown = failure(assert_enqueued, queue, function=mail, **wanted).splitlines()
    assert [line.partition(" (")[0] for line in shown[1:]] == ["  task 1", "  task 2"]


def test_a_task_of_hostile_text_stays_one_line(queue, failure):
    queue.enqueue_command(["rm\n\x1b[2J"])
    queue.enqueue(NewTask(function="rm\n\x1b[2J"))
    shown = failure(assert_enqueued, queue, priority=5)
    assert len(shown.splitlines()) == 3
    assert "\x1b" not in shown


def test_refuting_tells_what_is_there(queue, mail, failure):
    refute_enqueued(queue, function=mail)
    mail.enqueue("ada")
    refute_enqueued(queue, function=mail, args=["bob"])
    assert failure(refute_enqueued, queue, function=mail).splitlines() == [
        "1 task enqueued with function='mail.send':",
        "  task 1 (pending) mail.send('ada')",
    ]
    mail.enqueue("bob")
    assert failure(refute_enqueued, queue).startswith("2 tasks enqueued:")


def test_a_field_that_no_task_has_is_no_silent_match(queue, mail):
    for check in (enqueued, assert_enqueued, refute_enqueued):
        with pytest.raises(TypeError, match=r"no field 'prio'; it has .*priority"):
            check(queue, prio=5)


def test_inside_a_transaction_what_it_enqueued_is_found(queue, mail):
    with queue.transaction():
        task = mail.enqueue("ada")
        assert assert_enqueued(queue, function=mail) == task
