"""The command `jobrunner`: its options, its commands, and how it ends."""

import contextlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from jobrunner import __version__
from jobrunner.cli import (
    batch,
    bulk,
    change,
    control,
    crashtest,
    crews,
    db,
    demo,
    doctor,
    endings,
    enqueue,
    event,
    explain,
    history,
    hook,
    imports,
    log,
    mcp,
    move,
    queues,
    render,
    report,
    retention,
    schedule,
    serve,
    simulate,
    sql,
    status,
    token,
    transitions,
    unit,
    work,
)
from jobrunner.cli.endings import Ending
from jobrunner.cli.state import State
from jobrunner.cli.words import arranged
from jobrunner.config import Settings, must_exist
from jobrunner.core.errors import DatabaseError

app = typer.Typer(
    name="jobrunner",
    help="Tasks in one SQLite file, run by any number of workers; none is lost.",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
task_commands = typer.Typer(help="Look at tasks and act on them.", no_args_is_help=True)
worker_commands = typer.Typer(help="Look at workers, and steer them.", no_args_is_help=True)
queue_commands = typer.Typer(help="Pause, drain and limit queues.", no_args_is_help=True)
key_commands = typer.Typer(help="Limit concurrency keys.", no_args_is_help=True)
batch_commands = typer.Typer(help="Look at batches.", no_args_is_help=True)
hook_commands = typer.Typer(help="Tell others how tasks end.", no_args_is_help=True)
db_commands = typer.Typer(help="See to the database.", no_args_is_help=True)

app.command()(enqueue.enqueue)
app.command()(work.work)
app.command()(report.report)
app.command()(status.status)
app.command()(transitions.events)
app.command()(simulate.simulate)
app.add_typer(task_commands, name="task")
app.add_typer(worker_commands, name="worker")
app.add_typer(queue_commands, name="queue")
app.add_typer(key_commands, name="key")
app.add_typer(schedule.commands, name="schedule")
app.add_typer(batch_commands, name="batch")
app.add_typer(hook_commands, name="hook")
app.add_typer(db_commands, name="db")
app.add_typer(event.commands, name="event")
app.add_typer(token.commands, name="token")
app.add_typer(imports.commands, name="import")
app.command()(serve.serve)
app.command(short_help="Let a language model look at the queue.")(mcp.mcp)
app.command()(sql.sql)
app.command()(unit.unit)
app.command()(doctor.doctor)
app.command(short_help="See it all at work, a worker killed midway.")(demo.demo)
app.command(short_help="Run your tasks while their workers are killed.")(crashtest.crashtest)
task_commands.command("list")(control.list_tasks)
task_commands.command("show")(history.show)
task_commands.command("explain")(explain.explain)
task_commands.command("cancel")(bulk.cancel)
task_commands.command("retry")(bulk.retry)
task_commands.command("delete")(bulk.delete)
task_commands.command("update")(change.update)
task_commands.command("wait")(control.wait)
task_commands.command("log")(log.log)
task_commands.command("history")(transitions.history)
batch_commands.command("list")(batch.list_batches)
batch_commands.command("show")(batch.show_batch)
worker_commands.command("list")(control.list_workers)
queue_commands.command("list")(queues.list_queues)
queue_commands.command("pause")(queues.pause)
queue_commands.command("resume")(queues.resume)
queue_commands.command("drain")(queues.drain)
queue_commands.command("limit")(queues.limit_queue)
key_commands.command("list")(queues.list_keys)
key_commands.command("limit")(queues.limit_key)
worker_commands.command("pause")(crews.pause)
worker_commands.command("resume")(crews.resume)
worker_commands.command("drain")(crews.drain)
worker_commands.command("stop")(crews.stop)
worker_commands.command("resize")(crews.resize)
worker_commands.command("crews")(crews.list_crews)
hook_commands.command("add")(hook.add)
hook_commands.command("list")(hook.list_hooks)
hook_commands.command("remove")(hook.remove)
hook_commands.command("pause")(hook.pause)
hook_commands.command("resume")(hook.resume)
hook_commands.command("test")(hook.try_it)
db_commands.command("upgrade")(db.upgrade)
db_commands.command("check")(db.check)
db_commands.command("backup")(db.backup)
db_commands.command("restore")(db.restore)
db_commands.command("move")(move.move)
db_commands.command("retention")(retention.retention)
db_commands.command("prune")(retention.prune)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 — Typer calls it so
    if wanted:
        render.out(f"jobrunner {__version__}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    *,
    db: Annotated[
        str | None,
        typer.Option(help="Database: a path or a URL. [JOBRUNNER_DB, default ./jobrunner.db]"),
    ] = None,
    app: Annotated[
        str | None,
        typer.Option("--app", "-A", help="Application: module:attribute. [JOBRUNNER_APP]"),
    ] = None,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose", "-v", count=True, show_default=False, help="Tell more; -vv: tracebacks."
        ),
    ] = 0,
    version: Annotated[  # noqa: ARG001 — its callback does it all
        bool,
        typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Note the options that hold for all commands; they may also stand behind the command."""
    state: State = context.obj
    state.flags = Settings(db=db, app=app)
    state.ending.verbosity = verbose
    if context.invoked_subcommand is None:
        _without_command(context)


def _without_command(context: typer.Context) -> None:
    """The status where there is a database and somebody looks; else the help."""
    if render.is_terminal():
        with contextlib.suppress(DatabaseError):
            must_exist(context.obj.settings)
            return status.status(context)
    raise typer.Exit(endings.tell_help(context.get_help()))


def main() -> None:
    """Run the command line and end the process with its exit code."""
    render.set_up()
    sys.exit(run(sys.argv[1:]))


def run(words: Sequence[str]) -> int:
    """Run one command; whatever happens is told, and decides the exit code."""
    argv, command = arranged(words)
    state = State(command, Ending(in_json="--json" in argv))
    try:
        tree = typer.main.get_command(app)
        ended: Any = tree.main(argv, prog_name="jobrunner", standalone_mode=False, obj=state)
        render.flush()  # here, where a closed pipe is told from a failure
    except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 — told
        return state.ending.of(error)
    return ended if isinstance(ended, int) else 0
