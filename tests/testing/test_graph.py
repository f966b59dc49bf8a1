"""A drain ends as a worker does, whatever the graph of tasks."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobrunner import Cancel, NewTask, Retry, Snooze, TaskQueue, Worker, context
from jobrunner.core.events import ignore
from jobrunner.testing import drain

EDGES = ("after", "after_any")
KINDS = ("return", "fail", "cancel", "flaky", "snooze", "parent", "command", "bad command")

node = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(KINDS),
        "priority": st.integers(-1, 1),
        "after": st.sets(st.integers(0, 6), max_size=2),
        "after_any": st.sets(st.integers(0, 6), max_size=2),
    }
)


class Application:
    """A queue, and a function that ends in the way it is told."""

    def __init__(self, path):
        self.queue = TaskQueue(path, emit=ignore)
        self.act = self.queue.task(self.act_out, name="act", max_attempts=2)

    def act_out(self, kind, number):
        first = not self.queue.history(context.task_id)
        if kind == "fail" or (kind == "flaky" and first):
            raise Retry(f"{kind} {number}")
        if kind == "cancel":
            raise Cancel(f"enough of {number}")
        if kind == "snooze" and first:
            raise Snooze(0)
        if kind == "parent":
            self.act.using(after=[context.task_id]).enqueue("flaky", f"{number} again")
        return [kind, number]

    def enqueue(self, nodes):
        new = []
        for number, one in enumerate(nodes):
            parents = {name: [new[p] for p in one[name] if p < number] for name in EDGES}
            new.append(self.bind(one, number, parents))
        self.queue.enqueue_many(new)

    def bind(self, one, number, parents):
        if "command" not in one["kind"]:
            act = self.act.using(priority=one["priority"], **parents)
            return act.bind(one["kind"], number)
        program = "false" if one["kind"] == "bad command" else "true"
        return NewTask(
            command=[program, str(number)], max_attempts=1, priority=one["priority"], **parents
        )

    def ends(self):
        """How each task has ended, by what it was."""
        return {
            (task.args or task.command): (
                task.status,
                task.returned,
                task.attempt,
                [record.outcome for record in self.queue.history(task.id)],
            )
            for task in self.queue.find(limit=100)
        }


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(nodes=st.lists(node, min_size=1, max_size=7))
def test_a_drain_ends_as_a_worker_does(nodes):
    with tempfile.TemporaryDirectory() as folder:
        drained, worked = (Application(Path(folder) / name) for name in ("drained", "worked"))
        drained.enqueue(nodes)
        worked.enqueue(nodes)
        drain(drained.queue, raise_errors=False)
        Worker(worked.queue, concurrency=1).run(until_empty=True)
        assert drained.ends() == worked.ends()
        assert drained.queue.check() == []
        for application in (drained, worked):
            application.queue.close()
