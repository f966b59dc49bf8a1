"""The form that changes a task: what stands in it, and what is different when it comes back."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from jobrunner.core.changes import TaskChanges
from jobrunner.core.masking import restored
from jobrunner.core.objects import moment
from jobrunner.core.span import span_word
from jobrunner.core.task import Task
from jobrunner.web.pages import forms
from jobrunner.web.pages.shown import Shown

_KINDS: Final[Mapping[str, type[Any]]] = {"args": list, "kwargs": dict, "command": list}

_READERS: Final[dict[str, Callable[[str, str], Any]]] = {
    "description": lambda _name, text: text,
    "queue": lambda _name, text: text,
    "priority": forms.integer,
    "run_at": forms.moment,
    "max_attempts": forms.integer,
}


def values_of(task: Task[Any]) -> dict[str, str]:
    """The fields as they are; secrets are masked."""
    masking = Shown(task).masking
    values = {
        "description": masking.text(task.description),
        "queue": task.queue,
        "priority": str(task.priority),
        "run_at": moment(task.run_at) or "",
        "timeout": span_word(task.timeout) if task.timeout else "",
        "max_attempts": str(task.max_attempts),
    }
    if task.command:
        return {**values, "command": _json(masking.command(task.command))}
    args, kwargs = masking.value(task.args), masking.value(task.kwargs)
    return {**values, "args": _json(args), "kwargs": _json(kwargs)}


def changes_of(task: Task[Any], written: Mapping[str, str]) -> TaskChanges:
    """What was written anew; what was left as it stood is no change.

    Raises:
        InvalidTaskError: a field is not right.
    """
    before = values_of(task)
    changed = {
        name: written[name].strip()
        for name, text in before.items()
        if name in written and _plain(written[name]) != _plain(text)
    }
    found: Any = {name: _read(name, text, task) for name, text in changed.items()}
    told: TaskChanges = found
    return told


def _plain(text: str) -> str:
    """A text as a browser sends it back."""
    return text.replace("\r\n", "\n").strip()


def _read(name: str, text: str, task: Task[Any]) -> Any:
    if name == "timeout":
        return forms.seconds(name, text) if text else None
    if name in _READERS:
        return _READERS[name](name, text)
    value = forms.value(name, text or ("{}" if name == "kwargs" else "[]"), _KINDS[name])
    masking = Shown(task).masking
    if name != "command":
        return restored(value, task.kwargs if name == "kwargs" else list(task.args), masking)
    words = list(task.command or ())
    known = dict(zip(masking.command(words), words, strict=True))
    whole = [known.get(word, word) if isinstance(word, str) else word for word in value]
    return restored(whole, [], masking)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
