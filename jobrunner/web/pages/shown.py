"""What tasks hold, as pages show it: secrets masked first, then made harmless, then cut."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from jobrunner.core.masking import Masking
from jobrunner.core.task import Task
from jobrunner.core.visible import visible, visible_json

LONGEST_LINE: Final = 300
LONGEST_TEXT: Final = 64 * 1024
"""Characters of an output or of a value that a page shows; the rest is downloaded."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is shown; `cut` is how many characters are not."""

    shown: str
    cut: int = 0

    def __bool__(self) -> bool:
        return bool(self.shown)


class Shown:
    """Shows what one task holds; what was masked in one place is so in all others."""

    def __init__(self, task: Task[Any]) -> None:
        """Secrets are known from its arguments and its command."""
        self.masking = Masking.of(task.args, task.kwargs, command=task.command or ())
        self._task = task

    @property
    def name(self) -> str:
        """What people call it, on one line."""
        task = self._task
        if task.description or task.function:
            return self.line(task.name)
        return self.line(" ".join(self.masking.command(task.command or ())))

    @property
    def command(self) -> str:
        """The command as a shell takes it."""
        return visible(shlex.join(self.masking.command(self._task.command or ())), keep="\n\t")

    def line(self, text: str | None, longest: int = LONGEST_LINE) -> str:
        """A text on one line, cut at its end."""
        told = visible(self.masking.text(text or ""))
        return told if len(told) <= longest else f"{told[:longest]}…"

    def output(self, text: str | None, longest: int = LONGEST_TEXT) -> Text:
        """What was written: of much the end, which tells most."""
        told = visible(self.masking.text(text or ""), keep="\n\t")
        cut = max(0, len(told) - longest)
        return Text(told[cut:], cut)

    def value(self, value: Any, longest: int = LONGEST_TEXT) -> Text:
        """A value as JSON, integers to the last digit: of much the beginning."""
        told = json_text(self.masking.value(value))
        return Text(told[:longest], max(0, len(told) - longest))


def json_text(value: Any) -> str:
    """JSON for people; one that is nested too deeply to be laid out stays on its line."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        text = json.dumps(value, ensure_ascii=False)
    return visible_json(text)


def names_of(tasks: Sequence[Task[Any]]) -> dict[int, str]:
    """What people call these tasks, by id."""
    return {task.id: Shown(task).name for task in tasks}
