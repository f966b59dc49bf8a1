"""What the commands share: the settings, the queue, and how to tell what goes wrong."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from jobrunner.config import Settings, load, open_queue
from jobrunner.core.errors import DatabaseError

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue


@dataclass
class State:
    """One run of the command line. Nothing is read or opened before a command asks for it."""

    command: list[str] | None = None
    """What stood behind `--`."""
    flags: Settings = field(default_factory=Settings)
    verbosity: int = 0
    in_json: bool = False

    @cached_property
    def settings(self) -> Settings:
        """What was asked for, by flags, environment and file.

        Raises:
            ConfigurationError: the file cannot be read, or a setting has no meaning.
        """
        return load(self.flags)

    @cached_property
    def queue(self) -> "TaskQueue":
        """The queue that the settings name; its database is made on first use.

        Raises:
            ApplicationError: the application cannot be imported.
            DatabaseError: the database's name has no meaning.
        """
        return open_queue(self.settings)

    @property
    def stored(self) -> "TaskQueue":
        """The queue, whose database must be there: who only looks, makes none by a typing error.

        Raises:
            DatabaseError: there is no such file.
        """
        if not self.queue.exists:
            raise DatabaseError(
                f"there is no database {self.queue.name}",
                hint="`jobrunner enqueue` makes one; or name another with --db or JOBRUNNER_DB.",
            )
        return self.queue
