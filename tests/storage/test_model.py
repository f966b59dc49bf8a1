"""Any order of calls, from workers that may be late, against the little that must always hold.

`make model` runs it at length and tells what it has tried; `MODEL=5000x60` sets how many
examples of how many steps.
"""

import os
import sys
from collections import Counter

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from jobrunner.core import verdict
from tests.storage.keys import Model
from tests.storage.world import MAX_CRASHES

EXAMPLES, STEPS = map(int, os.environ.get("MODEL", "50x40").split("x"))


def test_no_order_of_calls_breaks_the_store(store, monkeypatch, capsys):
    monkeypatch.setattr(verdict, "MAX_CRASHES", MAX_CRASHES)
    hits = Counter()
    enough = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        phases=[Phase.reuse, Phase.generate],  # with Phase.shrink a failure takes minutes
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(lambda: Model(store, hits), settings=enough)
    if "MODEL" in os.environ:
        with capsys.disabled():
            examples = hits.pop("examples")
            told = f"{examples:,} examples, {hits.total():,} steps: {dict(hits.most_common())}"
            sys.stdout.write(f"\n{told}\n")
