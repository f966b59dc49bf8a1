"""The verdict on a kill loop: what the database says, held against the two logs beside it."""

from collections import Counter

from jobrunner.core.status import Status
from tests.crash.application import ENDED, STARTED
from tests.crash.victims import ACKNOWLEDGED, SIDE_LOG

GIVEN_BACK = {"released", "snoozed"}
"""Outcomes after which the same attempt may start again."""


def lines(path):
    """The whole lines of a log; the last may have been cut by a kill."""
    return [line.split() for line in path.read_text().split("\n")[:-1]] if path.exists() else []


def judge(folder, queue):
    """Facts by name, the first ones for people, those of `FAULTS` to be zero."""
    tasks = {task.id: task for task in queue.find(limit=10**6)}
    histories = {task_id: queue.history(task_id) for task_id in tasks}
    acknowledged = [int(word) for line in lines(folder / ACKNOWLEDGED) for word in line]
    side = lines(folder / SIDE_LOG)
    started = Counter((int(line[1]), int(line[2])) for line in side if line[0] == STARTED)
    ended = {(int(line[1]), int(line[2])) for line in side if line[0] == ENDED}
    completions = {
        task_id: [record.number for record in records if record.outcome == "completed"]
        for task_id, records in histories.items()
    }
    given_back = Counter(
        (task_id, record.number)
        for task_id, records in histories.items()
        for record in records
        if record.outcome in GIVEN_BACK
    )
    return {
        "tasks": len(tasks),
        "acknowledged": len(acknowledged),
        "attempts": sum(map(len, histories.values())),
        "tasks with more than one start": sum(
            number > 1 for number in Counter(task for task, _ in started.elements()).values()
        ),
        "most crashes of one task": max((task.crashes for task in tasks.values()), default=0),
        "acknowledged twice": len(acknowledged) - len(set(acknowledged)),
        "lost": len(set(acknowledged) - set(tasks)),
        "acknowledged but not done": sum(
            tasks[task_id].status is not Status.COMPLETED
            for task_id in acknowledged
            if task_id in tasks
        ),
        "not ended": sum(not task.status.is_final for task in tasks.values()),
        "failed or cancelled": sum(
            task.status in {Status.FAILED, Status.CANCELLED} for task in tasks.values()
        ),
        "completed twice": sum(len(numbers) > 1 for numbers in completions.values()),
        "completed without a start in the side log": sum(
            (task_id, number) not in started
            for task_id, numbers in completions.items()
            for number in numbers
        ),
        "completed without an end in the side log": sum(
            (task_id, number) not in ended
            for task_id, numbers in completions.items()
            for number in numbers
        ),
        "same attempt started twice": sum(
            number > 1 + given_back[attempt] for attempt, number in started.items()
        ),
        "started before a parent had completed": early(tasks, histories),
        "db check": len(queue.check()),
    }


FAULTS = (
    "acknowledged twice",
    "lost",
    "acknowledged but not done",
    "not ended",
    "failed or cancelled",
    "completed twice",
    "completed without a start in the side log",
    "completed without an end in the side log",
    "same attempt started twice",
    "started before a parent had completed",
    "db check",
)


def early(tasks, histories):
    """Attempts that began before the last parent was settled."""
    return sum(
        record.started_at < tasks[parent].finished_at
        for task in tasks.values()
        for parent in task.after
        for record in histories[task.id]
        if tasks[parent].finished_at is not None
    )
