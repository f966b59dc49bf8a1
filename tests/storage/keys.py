"""The steps of the model that ask for tasks of which there is to be one at most."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st

from jobrunner.core.control_errors import DuplicateTaskError
from jobrunner.core.new_task import NewTask
from jobrunner.core.status import Status
from jobrunner.core.unique import LIVE, WAITING, Unique
from tests.storage.rewound import Rewinding
from tests.storage.steps import picks
from tests.storage.world import MAX_ATTEMPTS, Book, step

SETS = [LIVE, WAITING, WAITING, LIVE | {Status.COMPLETED}, LIVE | {Status.FAILED}, set(Status)]
rules = st.builds(
    Unique,
    key=st.sampled_from("kl"),
    in_=st.sampled_from(SETS),
    on_conflict=st.sampled_from(["error", "ignore", "ignore", "replace", "replace"]),
)
calls = st.tuples(rules, st.none() | picks, st.sampled_from([0, 0, 8]))


class Model(Rewinding):
    """Few keys, so that they meet each other."""

    @step(lambda self: len(self.books) < 8, calls=st.lists(calls, min_size=1, max_size=3))
    def enqueue_unique(self, calls):
        new = [self.new(*call) for call in calls]
        held = {key: task_id for task_id, key in self.keys(self.before).items()}
        taken = [*held]
        for rule, _, _ in calls:
            if rule.key in taken and rule.on_conflict == "error":
                self.is_refused(new)
                return
            taken.append(rule.key)
        before = {task_id: status for task_id, (status, _) in self.before.items()}
        for task_id, task in zip(self.store.enqueue(*new), new, strict=True):
            assert held.setdefault(task.unique.key, task_id) == task_id
            book = self.books.setdefault(task_id, Book(unique=task.unique))
            if (
                before.get(task_id, Status.PENDING) in WAITING
                and task.unique.on_conflict == "replace"
            ):
                book.crashes, book.max_attempts = 0, book.attempt + MAX_ATTEMPTS
                book.unique = book.unique if task_id in before else task.unique

    def retry(self, task_id, status, *, fits):
        if fits:
            self.lives_again(task_id)
        super().retry(task_id, status, fits=fits)

    def new(self, rule, pick, delay):
        replaces = rule.on_conflict == "replace"
        known = [] if replaces or pick is None else [*self.books]
        return NewTask(
            function="work",
            delay=timedelta(seconds=delay),
            max_attempts=MAX_ATTEMPTS,
            after=[known[pick % len(known)]] if known else [],
            unique=rule,
        )

    def is_refused(self, new):
        before = self.store.everything()
        with pytest.raises(DuplicateTaskError):
            self.store.enqueue(*new)
        self.refused_changes_nothing(before)
