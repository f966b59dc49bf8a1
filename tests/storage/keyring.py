"""What the model knows of unique keys: who has which, and whether some may be live again."""

from collections.abc import Iterable
from typing import Any

from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.unique import WAITING, Unique


def holders(store: Any) -> list[TaskId]:
    """Who has a unique key, as the index sees it."""
    rows = store.sql("SELECT id, unique_key, status, unique_in FROM tasks ORDER BY id")
    bit = {status.value: 1 << at for at, status in enumerate(Status)}
    return [TaskId(i) for i, key, status, bits in rows if key and bits & bit[status]]


class Keyring:
    """Counts by the statuses that tasks have, and not by the keys that are stored."""

    books: dict[TaskId, Any]
    before: dict[TaskId, Any]

    def keys(self, now: Any) -> dict[TaskId, str]:
        """Who has which key."""
        rules = ((task_id, book.unique) for task_id, book in self.books.items())
        return {
            task_id: rule.key for task_id, rule in rules if rule and now[task_id][0] in rule.in_
        }

    def promise_of_one_task_of_a_key(self, now: Any) -> None:
        keys = self.keys(now)
        assert len(set(keys.values())) == len(keys)

    def waits_again(self, task_id: TaskId) -> None:
        """One that was unique while it waited, and was started, is so no more."""
        book = self.books[task_id]
        if book.unique and book.unique.in_ == WAITING:
            book.unique = None

    def lives_again(self, *ids: TaskId) -> None:
        for task_id in ids:
            if self.books[task_id].attempt:
                self.waits_again(task_id)

    def left(self, task_id: TaskId) -> Unique | None:
        """What it would say of its uniqueness if it were live again."""
        book = self.books[task_id]
        rule: Unique | None = book.unique
        return None if rule and rule.in_ == WAITING and book.attempt else rule

    def may_live(self, again: Iterable[TaskId]) -> bool:
        """Whether no two have one key if these are live again."""
        rules = {task_id: self.left(task_id) for task_id in again}
        wanted = {task_id: rule.key for task_id, rule in rules.items() if rule}
        others = {i: key for i, key in self.keys(self.before).items() if i not in rules}
        keys = [*others.values(), *wanted.values()]
        return len(set(keys)) == len(keys)
