"""Parents before dependents, and a cycle named by its members."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.errors import CycleError
from jobrunner.core.graph import parents_first

dags = st.integers(1, 12).flatmap(
    lambda size: st.tuples(
        st.permutations(range(size)),
        st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))),
    )
)


@given(dags)
def test_every_parent_stands_before_its_dependents(dag):
    names, pairs = dag
    parents = {name: [] for name in names}
    for one, other in pairs:
        if one != other:
            parents[names[max(one, other)]].append(names[min(one, other)])
    order = parents_first(parents, name=str)
    assert sorted(order) == sorted(names)
    for node, before in parents.items():
        assert all(order.index(parent) < order.index(node) for parent in before)


def test_a_deep_chain_is_ordered():
    parents = {node: [node - 1] if node else [] for node in range(50_000)}
    assert parents_first(parents, name=str) == list(range(50_000))


def test_a_cycle_is_named_in_waiting_order():
    parents = {1: [], 2: [1, 4], 3: [2], 4: [3], 5: [4]}
    with pytest.raises(CycleError) as told:
        parents_first(parents, name=lambda node: f"task {node}")
    members = told.value.members
    assert members[0] == members[-1]
    assert set(members) == {"task 2", "task 3", "task 4"}
    for waits, waited_for in pairwise(members):
        assert int(waited_for[-1]) in parents[int(waits[-1])]
    assert " -> ".join(members) in str(told.value)
    assert told.value.field == "after"


def test_a_node_that_waits_for_itself_is_a_cycle():
    with pytest.raises(CycleError, match="1 -> 1"):
        parents_first({1: [1]}, name=str)
