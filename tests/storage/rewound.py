"""The model's step that runs tasks again with all below them."""

import contextlib

import pytest
from hypothesis import strategies as st

from jobrunner.core.errors import TaskStateError
from jobrunner.core.outcome import Completed
from jobrunner.core.status import Status
from jobrunner.storage.rewind import rewind
from tests.storage.steps import Model, picks
from tests.storage.world import SPOILT, step


def again(store, task_id, **options):
    return store.write(rewind, task_id, now=store.now, **options)


GOOD = Completed("1")


def run_all(store, outcome=GOOD, **named):
    """Run what can run until nothing is left; `named` are outcomes by description."""
    while leases := store.claim():
        for lease in leases:
            name = store.get(lease.task_id).description
            store.settle(lease, named.get(name, outcome))


class Rewinding(Model):
    """Every call there is, and rewinds."""

    @step(lambda self: self.books, pick=picks, failed_only=st.booleans())
    def rewind(self, pick, failed_only):
        task_id = list(self.books)[pick % len(self.books)]
        below = self.below(task_id)
        asked = {one for one in below if self.status(one) in SPOILT} if failed_only else below
        stays = self.stays(asked)
        again = asked - stays
        fits = again and task_id not in stays
        if not failed_only:
            running = any(self.status(one) is Status.IN_PROGRESS for one in below)
            fits = fits and self.status(task_id).is_final and not running
        fits = fits and self.may_live(again)
        self.changed = again if fits else set()
        with contextlib.nullcontext() if fits else pytest.raises(TaskStateError):
            done = self.store.write(rewind, task_id, now=self.store.now, failed_only=failed_only)
            assert set(done) == again
            self.lives_again(*done)
            for one in done:
                book = self.books[one]
                book.begun, book.max_attempts = self.anew(book)
                book.crashes = 0

    def anew(self, book):
        """From where it counts now, and to where: as many attempts as it had."""
        return book.attempt, book.attempt + book.max_attempts - book.begun

    def below(self, task_id):
        """A task and its descendants."""
        found, fresh = set(), {task_id}
        while fresh:
            found |= fresh
            edges = self.store.sql("SELECT parent_id, dependent_id FROM dependencies")
            fresh = {child for parent, child in edges if parent in found} - found
        return found

    def stays(self, asked):
        """Those that could not run: a parent has failed, and does not run again itself."""
        found, fresh = set(), asked
        while fresh:
            fresh = {
                one
                for one in asked - found
                for parent, status, rule in self.parents(one)
                if rule == "cancel" and status in SPOILT and parent not in asked - found
            }
            found |= fresh
        return found
