"""What a graph of tasks looks like before it is stored: layers, the longest way, cycles."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Final

Parents = Mapping[int, Sequence[int]]
"""The nodes that each node waits for."""

MOST: Final = 100
"""Cycles that are told one by one."""


def layers(parents: Parents) -> list[list[int]]:
    """Nodes by the number of nodes one after the other that end in each; what could run together.

    Those of a cycle, and those below one, are left out.
    """
    found: list[list[int]] = []
    for node, depth in _depths(parents).items():
        found += [[] for _ in range(depth - len(found))]
        found[depth - 1].append(node)
    return [sorted(layer) for layer in found]


def longest(parents: Parents) -> list[int]:
    """The longest way through the graph, from a node without parents on."""
    depths = _depths(parents)
    way = [max(depths, key=lambda node: depths[node])] if depths else []
    while way and depths[way[-1]] > 1:
        way.append(max(parents[way[-1]], key=lambda node: depths[node]))
    return way[::-1]


def cycles(parents: Parents) -> list[list[int]]:
    """Nodes that wait for each other, in waiting order, no node in two of the cycles."""
    reached = _depths(parents)
    left = {node: set(above) - reached.keys() for node, above in parents.items()}
    left = {node: above for node, above in left.items() if node not in reached}
    found: list[list[int]] = []
    while len(found) < MOST:
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            # graphlib lists the cycle from parent to dependent, its first one twice.
            cycle = [*reversed(error.args[1])][:-1]
            found.append(cycle)
            left = {n: above.difference(cycle) for n, above in left.items() if n not in cycle}
        else:
            break
    return found


def _depths(parents: Parents) -> dict[int, int]:
    """How many nodes stand one after the other down to each; parents first."""
    dependents: dict[int, list[int]] = {}
    waiting = {node: len({*above}) for node, above in parents.items()}
    for node, above in parents.items():
        for parent in {*above}:
            dependents.setdefault(parent, []).append(node)
    depths = {node: 1 for node, number in waiting.items() if not number}
    order = list(depths)
    for node in order:  # which grows meanwhile
        for dependent in dependents.get(node, ()):
            depths[dependent] = max(depths.get(dependent, 1), depths[node] + 1)
            waiting[dependent] -= 1
            if not waiting[dependent]:
                order.append(dependent)
    return {node: depths[node] for node in order}
