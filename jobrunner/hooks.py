"""`queue.hooks`: whom the ends of tasks are told, a URL or a command, kept in the database."""

from collections.abc import Iterable, Sequence

from jobrunner.core import hook as check
from jobrunner.core import payload
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.hook import Hook
from jobrunner.core.task import TaskId
from jobrunner.runtime.home import Home
from jobrunner.storage import event_hooks, telling


class Hooks:
    """The hooks of a queue. They hold for every end, whatever worker or person brings it about."""

    def __init__(self, home: Home) -> None:
        """`home` is the queue."""
        self._home = home

    def add(
        self,
        name: str,
        *,
        on: Iterable[str],
        url: str | None = None,
        command: Sequence[str] | None = None,
        queue: str | None = None,
        secret: str | None = None,
        allow_private: bool = False,
    ) -> Hook:
        """Have the ends of tasks told: `on` names some of completed, failed and cancelled.

        Either to a `url`, by POST, signed with `secret` as Standard Webhooks says; an address of
        this machine or of a private network only with `allow_private`. Or to a `command`, an
        argv list, which finds the event in `JOBRUNNER_EVENT`. `queue` narrows it to one queue.

        Raises:
            ConfigurationError: a value has no meaning, or there is such a hook already.
            PayloadError: a text cannot be stored.
        """
        if (url is None) == (command is None):
            raise ConfigurationError(
                "a hook tells a URL or a command", hint="Give --url URL, or a command after --."
            )
        if command is not None and (secret is not None or allow_private):
            raise ConfigurationError("a secret and private addresses go with a url")
        argv = None if command is None else check.check_command(command)
        payload.encode(argv, what="command")
        return self._home.store.write(
            event_hooks.add,
            check.check_name(name),
            events=check.check_events(on),
            queue=None if queue is None else check.check_queue(queue),
            url=None if url is None else check.check_url(url, may_be_private=allow_private),
            command=argv,
            secret=None if secret is None else check.check_secret(secret),
            may_be_private=allow_private,
            now=self._home.clock.now(),
        )

    def list(self) -> list[Hook]:
        """All hooks, by their names; their secrets are told to nobody."""
        return self._home.store.read(event_hooks.every)

    def get(self, name: str) -> Hook:
        """One hook.

        Raises:
            HookNotFoundError: there is none of that name.
        """
        return self._home.store.read(event_hooks.get, name)

    def remove(self, name: str) -> None:
        """Delete a hook. What it has still to send to a URL is cancelled when its turn comes.

        Raises:
            HookNotFoundError: there is none of that name.
        """
        self._home.store.write(event_hooks.remove, name)

    def pause(self, name: str) -> Hook:
        """Tell it nothing of what ends from now on, until it is resumed.

        Raises:
            HookNotFoundError: there is none of that name.
        """
        return self._home.store.write(event_hooks.pause, name, at=self._home.clock.now())

    def resume(self, name: str) -> Hook:
        """Tell it again of what ends from now on.

        Raises:
            HookNotFoundError: there is none of that name.
        """
        return self._home.store.write(event_hooks.pause, name, at=None)

    def test(self, name: str) -> TaskId:
        """Have an event sent that says nothing; returns the id of the task that sends it.

        Raises:
            HookNotFoundError: there is none of that name.
        """
        return self._home.store.write(telling.test, name, now=self._home.clock.now())
