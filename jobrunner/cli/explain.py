"""`jobrunner task explain`: why a task does not run, or that it may."""

from typing import TYPE_CHECKING, Final

import typer

from jobrunner.cli import render
from jobrunner.cli.options import Id, Json
from jobrunner.core.estimate_objects import estimate_object
from jobrunner.core.explanation_objects import explanation_object
from jobrunner.core.reasons import WAITING

if TYPE_CHECKING:
    from jobrunner.cli.state import State
    from jobrunner.core.explanation import Explanation

UNFORESEEN: Final = frozenset({"workers", "needs", "rate", "move"})
"""Reasons that no estimate regards: beside one of them, none is told."""


def explain(context: typer.Context, *, task_id: Id, as_json: Json = False) -> None:
    """Tell why a task does not run, or that a worker with room takes it next.

    It is asked what a claim asks: whether it is due, what it waits for, pauses, limits and who has
    their places, workers, who is ahead of it. Nothing is changed.
    """
    state: State = context.obj
    found = state.stored.explain(task_id)
    waits = found.status in WAITING
    if as_json:
        starts = estimate_object(state.stored.estimates.start(task_id)) if waits else None
        render.as_json(explanation_object(found) | {"starts": starts})
        return
    runnable = "yes" if found.is_runnable else "no"
    head = ("task", found.task_id), ("status", found.status.label), ("runnable", runnable)
    render.fields([*head, ("starts in", _starts_in(state, found) if waits else "")])
    render.out("")
    render.table(
        ("blocks", "kind", "reason~"),
        (
            ("yes" if one.is_blocking else "no", one.kind, f"{one.text} {one.hint}".strip())
            for one in found.reasons
        ),
    )
    if any(one.tasks for one in found.reasons):
        render.out("")
        render.table(
            ("kind", "id>", "status", "task…"),
            (
                (one.kind, node.id, node.status, node.name)
                for one in found.reasons
                for node in one.tasks
            ),
        )


def _starts_in(state: "State", found: "Explanation") -> str:
    """Nothing beside a reason that an estimate does not foresee, nor where too little is known."""
    if not UNFORESEEN.isdisjoint(one.kind for one in found.reasons if one.is_blocking):
        return ""
    starts = state.stored.estimates.start(found.task_id)
    return str(starts) if starts.is_known else ""
