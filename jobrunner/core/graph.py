"""Dependencies among tasks that are enqueued together: order, and cycles refused."""

from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError as GraphCycleError
from graphlib import TopologicalSorter
from typing import TypeVar

from jobrunner.core.errors import CycleError

Node = TypeVar("Node", bound=int)


def parents_first(
    parents: Mapping[Node, Sequence[Node]], *, name: Callable[[Node], str]
) -> list[Node]:
    """Order nodes so that every parent stands before its dependents.

    `parents` maps a node to the nodes it waits for; `name` tells a node in an error.

    Raises:
        CycleError: some nodes wait for each other; its members are in waiting order.
    """
    try:
        return list(TopologicalSorter(parents).static_order())
    except GraphCycleError as error:
        # graphlib lists the cycle from parent to dependent; people read "a waits for b".
        raise CycleError([name(node) for node in reversed(error.args[1])]) from None
