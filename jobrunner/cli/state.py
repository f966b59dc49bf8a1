"""What the commands share: the settings, the queue, and how the command is to end."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from jobrunner.cli.endings import Ending
from jobrunner.config import Settings, load, must_exist, open_queue

if TYPE_CHECKING:
    from jobrunner.task_queue import TaskQueue


@dataclass
class State:
    """One run of the command line. Nothing is read or opened before a command asks for it."""

    command: list[str] | None = None
    """What stood behind the `--` of `enqueue`, `task update` or `schedule add`."""
    ending: Ending = field(default_factory=Ending)
    flags: Settings = field(default_factory=Settings)

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
        """The queue of a command that only looks: it makes no database by a typing error.

        Raises:
            DatabaseError: there is no such file.
        """
        must_exist(self.settings)
        return self.queue
