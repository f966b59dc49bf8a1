"""How to enqueue a task like one that there is: for a shell, for Python, for curl."""

import json
import re
import shlex
from datetime import timedelta
from typing import Any, Final, NamedTuple

from jobrunner.core.new_task import DEFAULT_MAX_ATTEMPTS, DEFAULT_QUEUE
from jobrunner.core.task import Task
from jobrunner.core.visible import visible, visible_json
from jobrunner.web.pages.shown import Shown

_NAME: Final = re.compile(r"[^\W\d]\w*")
_OPTIONS: Final = {
    "queue": "--queue",
    "priority": "--priority",
    "description": "--description",
    "timeout": "--timeout",
    "max_attempts": "--max-attempts",
    "cwd": "--cwd",
    "concurrency_key": "--key",
}


class Recipe(NamedTuple):
    """A way to enqueue it, and the text to copy."""

    title: str
    text: str


def recipes(task: Task[Any], url: str, *, needs_token: bool) -> list[Recipe]:
    """All three; secrets are masked in them. `url` is where the server is."""
    line = line_of(task)
    return [
        Recipe("Command line", _cli(line)),
        Recipe("Python", _python(line)),
        Recipe("curl", _curl(line, url, needs_token=needs_token)),
    ]


def line_of(task: Task[Any]) -> dict[str, Any]:
    """The task as a JSON line, without what is as it is anyway."""
    masking = Shown(task).masking
    line: dict[str, Any] = {}
    if task.command:
        line["command"] = masking.command(task.command)
    else:
        line["function"] = task.function
    options: dict[str, Any] = {
        "args": masking.value(task.args),
        "kwargs": masking.value(task.kwargs),
        "queue": task.queue if task.queue != DEFAULT_QUEUE else None,
        "priority": task.priority,
        "description": masking.text(task.description),
        "timeout": task.timeout.total_seconds() if task.timeout else None,
        "max_attempts": task.max_attempts if task.max_attempts != DEFAULT_MAX_ATTEMPTS else None,
        "cwd": masking.text(task.cwd or ""),
        "concurrency_key": masking.text(task.concurrency_key or ""),
    }
    return line | {name: value for name, value in options.items() if value}


def _cli(line: dict[str, Any]) -> str:
    kwargs: dict[str, Any] = line.get("kwargs", {})
    is_odd = line.get("function", "").startswith("-")
    if is_odd or line.get("args") or not all(_NAME.fullmatch(name) for name in kwargs):
        return f"printf %s {_quoted(_json(line))} | jobrunner enqueue --from -"
    words = ["jobrunner", "enqueue", *_options(line)]
    if "command" in line:
        return _shell([*words, "--", *line["command"]])
    return _shell([*words, line["function"], *map(_argument, kwargs.items())])


def _options(line: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for name, option in _OPTIONS.items():
        if name in line:
            value = line[name]
            text = f"{value:f}".rstrip("0").rstrip(".") if name == "timeout" else str(value)
            words.append(f"{option}={text}")
    return words


def _argument(argument: tuple[str, Any]) -> str:
    name, value = argument
    return f"{name}={value}" if isinstance(value, str) else f"{name}:={_json(value)}"


def _python(line: dict[str, Any]) -> str:
    values = dict(line)
    if "timeout" in values:
        values["timeout"] = timedelta(seconds=values["timeout"])
    imported = "import datetime\n\n" if "timeout" in values else ""
    fields = ",\n".join(f"    {name}={value!r}" for name, value in values.items())
    return (
        f"{imported}from jobrunner import NewTask, TaskQueue\n\n"
        'queue = TaskQueue("jobrunner.db")\n'
        f"queue.enqueue(NewTask(\n{fields},\n))"
    )


def _curl(line: dict[str, Any], url: str, *, needs_token: bool) -> str:
    words = ["curl", "-X", "POST", f"{url.rstrip('/')}/api/v1/tasks"]
    parts = [_shell(words), "-H 'Content-Type: application/json'"]
    if needs_token:
        parts.append('-H "Authorization: Bearer $JOBRUNNER_TOKEN"')
    return " \\\n  ".join([*parts, f"-d {_quoted(_json(line))}"])


def _shell(words: list[str]) -> str:
    return " ".join(map(_quoted, words))


def _quoted(word: str) -> str:
    r"""A word for a shell; one with control characters as `$'\x1b'`, which can be seen."""
    if visible(word) == word:
        return shlex.quote(word)
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_escapes(escaped)}'"


def _escapes(text: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    return "".join(
        one if visible(one) == one else named.get(one, f"\\U{ord(one):08x}") for one in text
    )


def _json(value: Any) -> str:
    return visible_json(json.dumps(value, ensure_ascii=False))
