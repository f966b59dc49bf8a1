"""Steps of the model that set limits, and what must hold of them at every claim."""

from collections import Counter

from hypothesis import strategies as st

from jobrunner.core import lane
from jobrunner.core.new_task import NewTask
from jobrunner.storage import agenda, keys, queues
from tests.storage.limiting import Limiting
from tests.storage.world import MAX_ATTEMPTS, Book, World, step

NAMES = st.sampled_from(["k", "k:1", "k:2"])


class LimitedWorld(World):
    """Claims as workers do it: by the plain way only where no limit is in use."""

    def __init__(self, store, hits):
        super().__init__(store, hits)
        for table in ("queues", "concurrency_keys", "rate_starts"):
            store.sql(f"DELETE FROM {table}")  # noqa: S608
        self.limits = Limiting(store)

    @step(lambda self: len(self.books) < 6, key=NAMES, queue=st.sampled_from("ab"))
    def enqueue_with_a_key(self, key, queue):
        new = NewTask(function="work", concurrency_key=key, queue=queue, max_attempts=MAX_ATTEMPTS)
        self.books |= {task_id: Book() for task_id in self.store.enqueue(new)}

    @step(name=NAMES, concurrency=st.sampled_from([None, 1, 2]))
    def limit_a_key(self, name, concurrency):
        self.limits.limit_key(name, concurrency=concurrency)

    @step(name=st.sampled_from("ab"), concurrency=st.sampled_from([None, None, 1, 2]))
    def limit_a_queue(self, name, concurrency):
        self.limits.limit_queue(name, concurrency=concurrency)

    @step(name=st.sampled_from("ab"), go_on=st.booleans())
    def pause_or_resume(self, name, go_on):
        (self.limits.resume if go_on else self.limits.pause)(name)

    def claiming(self, worker, *, limit=100, queues=()):
        if not self.store.read(agenda.look).limits:
            return self.store.claim(worker, limit=limit, queues=queues)
        leases = self.limits.claim(limit, worker=worker, queues=queues)
        self.nothing_is_over_its_limit(leases)
        return leases

    def nothing_is_over_its_limit(self, leases):
        """Of what was claimed: a limit that was lowered stops nothing that runs."""
        rows = self.store.sql("SELECT id, queue, lane FROM tasks WHERE status = 'in_progress'")
        of_key = {row.id: lane.decode(row.lane).key for row in rows}
        by_key = Counter(of_key.values())
        by_queue = Counter(row.queue for row in rows)
        rules = {one.name: one for one in self.store.read(queues.every)}
        for lease in leases:
            rule, key = rules[lease.queue], of_key[lease.task_id]
            assert rule.paused_at is None
            assert by_queue[lease.queue] <= (rule.limits.concurrency or by_queue[lease.queue])
            if key is not None:
                most = self.store.read(keys.limits_of, [key])[key].concurrency
                assert by_key[key] <= (most or by_key[key])

    def resume_all(self):
        for name in "ab":
            self.limits.resume(name)
