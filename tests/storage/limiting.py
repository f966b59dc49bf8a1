"""Short ways to claim where limits are in use."""

from datetime import timedelta

from jobrunner.core.limits import Rate
from jobrunner.core.task import Token, WorkerId
from jobrunner.storage import keys, limited, queues
from jobrunner.storage.allowance import Allowance


class Limiting:
    """A store whose claims regard limits, each worker with a circle of its own."""

    def __init__(self, store):
        self.store = store
        self.circles = {}
        self.tokens = iter(range(1_000_000, 2_000_000))

    def claim(self, free=1, *, worker="ada", ahead=0, aged=0, queues=(), offers=None):
        self.look_at = None

        def claim(transaction):
            allowance = Allowance(
                transaction, worker_id=WorkerId(worker), offers=offers, now=self.store.now
            )
            found = limited.claim(
                transaction,
                limited.Wanted(queues, free, ahead, aged),
                allowance,
                self.circles.setdefault(worker, limited.Circle()),
                worker_id=WorkerId(worker),
                token=Token(next(self.tokens)),
                now=self.store.now,
            )
            self.look_at = allowance.opens_at
            return found

        return self.store.write(claim)

    def names(self, *args, **options):
        """The same, what was claimed by its description."""
        leases = self.claim(*args, **options)
        return [self.store.get(lease.task_id).description for lease in leases]

    def add(self, description="", **fields):
        return self.store.add(description=description, **fields)

    def limit_key(self, name, **change):
        return self.store.write(keys.limit, name, _change(change))

    def limit_queue(self, name, **change):
        return self.store.write(queues.limit, name, _change(change))

    def pause(self, name):
        return self.store.write(queues.pause, name, now=self.store.now)

    def resume(self, name):
        return self.store.write(queues.resume, name)


def _change(change):
    if change.get("rate"):
        number, seconds = change["rate"]
        change["rate"] = Rate(number, timedelta(seconds=seconds))
    return change
