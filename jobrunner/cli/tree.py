"""The tree of commands, of which only the one that is asked for is imported: it starts quickly."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, Final, NamedTuple, cast

import typer
from typer.core import TyperCommand, TyperGroup


class Branch(NamedTuple):
    """Commands below a word of their own."""

    help: str
    commands: "Mapping[str, str | Branch]"


TREE: Final[Mapping[str, str | Branch]] = {
    "enqueue": "enqueue:enqueue",
    "work": "work:work",
    "report": "report:report",
    "status": "status:status",
    "events": "transitions:events",
    "simulate": "simulate:simulate",
    "serve": "serve:serve",
    "mcp": "mcp:mcp",
    "sql": "sql:sql",
    "unit": "unit:unit",
    "doctor": "doctor:doctor",
    "demo": "demo:demo",
    "crashtest": "crashtest:crashtest",
    "task": Branch(
        "Look at tasks and act on them.",
        {
            "list": "control:list_tasks",
            "show": "history:show",
            "explain": "explain:explain",
            "cancel": "bulk:cancel",
            "retry": "bulk:retry",
            "delete": "bulk:delete",
            "update": "change:update",
            "wait": "control:wait",
            "log": "log:log",
            "history": "transitions:history",
        },
    ),
    "worker": Branch(
        "Look at workers, and steer them.",
        {
            "list": "crews:list_workers",
            "pause": "crews:pause",
            "resume": "crews:resume",
            "drain": "crews:drain",
            "stop": "crews:stop",
            "resize": "crews:resize",
            "crews": "crews:list_crews",
        },
    ),
    "queue": Branch(
        "Pause, drain and limit queues.",
        {
            "list": "queues:list_queues",
            "pause": "queues:pause",
            "resume": "queues:resume",
            "drain": "queues:drain",
            "limit": "queues:limit_queue",
        },
    ),
    "key": Branch(
        "Limit concurrency keys.",
        {"list": "queues:list_keys", "limit": "queues:limit_key"},
    ),
    "schedule": Branch(
        "Store tasks again and again, by a rule.",
        {
            "add": "schedule:add",
            "list": "schedule:list_schedules",
            "show": "schedule:show",
            "pause": "schedule:pause",
            "resume": "schedule:resume",
            "remove": "schedule:remove",
            "run": "schedule:run",
        },
    ),
    "batch": Branch(
        "Look at batches.",
        {"list": "batch:list_batches", "show": "batch:show_batch"},
    ),
    "hook": Branch(
        "Tell others how tasks end.",
        {
            "add": "hook:add",
            "list": "hook:list_hooks",
            "remove": "hook:remove",
            "pause": "hook:pause",
            "resume": "hook:resume",
            "test": "hook:try_it",
        },
    ),
    "db": Branch(
        "See to the database.",
        {
            "upgrade": "db:upgrade",
            "check": "db:check",
            "backup": "db:backup",
            "restore": "db:restore",
            "move": "move:move",
            "retention": "retention:retention",
            "prune": "retention:prune",
        },
    ),
    "event": Branch(
        "Send events to tasks that wait for them.",
        {"send": "event:send", "list": "event:list_events"},
    ),
    "token": Branch(
        "Say who may use the server.",
        {"add": "token:add", "list": "token:list_tokens", "remove": "token:remove"},
    ),
    "import": Branch(
        "Take over what waits in Huey or RQ.",
        {"huey": "imports:huey", "rq": "imports:rq"},
    ),
}
"""Each command by its words, with the module of this package and the function in it."""


class Group(TyperGroup):
    """A group whose commands are imported one by one, when they are asked for."""

    def __init__(self, sources: Mapping[str, str | Branch] = TREE, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", _Imported(sources))

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 — Typer calls it so
        """The names; Typer's own way would import all the commands."""
        return list(self.commands)


class _Imported(Mapping[str, TyperCommand | TyperGroup]):
    """Commands by their names, each made when it is asked for."""

    def __init__(self, sources: Mapping[str, str | Branch]) -> None:
        self._sources = sources
        self._made: dict[str, TyperCommand | TyperGroup] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        if name not in self._made:
            self._made[name] = _made(name, self._sources[name])
        return self._made[name]


def _made(name: str, source: str | Branch) -> TyperCommand | TyperGroup:
    if isinstance(source, Branch):
        return Group(
            source.commands,
            name=name,
            help=source.help,
            no_args_is_help=True,
            rich_markup_mode=None,
        )
    module, _, function = source.partition(":")
    single = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    single.command(name)(getattr(import_module(f"jobrunner.cli.{module}"), function))
    return cast("TyperCommand", typer.main.get_command(single))
