"""What `--fail-if` reads, and what it says of a report."""

import pytest

from jobrunner.core.condition import Condition, figures
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.report import Report, Spread
from jobrunner.core.status import Status

REPORT = Report(
    tasks={Status.FAILED: 3, Status.COMPLETED: 7},
    attempts={"failed": 4, "completed": 7},
    elapsed_s=10.0,
    throughput_per_s=0.7,
    wait=None,
    run=Spread(p50=1.0, p95=2.5, p99=3.0, max=4.0),
    functions=[],
    workers=[],
    busy_s=20.0,
    wasted={"failed": 2.5},
)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("failed>0", True),
        ("failed > 3", False),
        ("failed>=3", True),
        ("tasks.failed == 3", True),
        ("attempts.failed=4", True),
        ("attempts.lost!=0", False),
        ("total<11", True),
        ("run_s.p95 > 2.4", True),
        ("run_s.p99<=3", True),
        ("wasted_s.total>2", True),
        ("throughput_per_s<0.7", False),
        ("efficiency<0.5", True),
    ],
)
def test_a_figure_is_compared_with_a_number(text, holds):
    assert Condition.parse(text).holds(REPORT) is holds


@pytest.mark.parametrize("text", ["wait_s.p50>0", "wait_s.p50<=0", "wait_s.max==0"])
def test_of_what_was_not_measured_nothing_is_so(text):
    assert not Condition.parse(text).holds(REPORT)


@pytest.mark.parametrize(
    "text",
    [
        *("", "failed", "failed>", ">0", "failed>x", "a b>1", "failed~1", "failed>1e9"),
        *("failed>0 and 1", "failed>\u0663", "failed>" + "9" * 5_000),
    ],
)
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ConfigurationError) as refused:
        Condition.parse(text)
    assert refused.value.hint


@pytest.mark.parametrize("name", ["fails", "tasks", "functions", "run_s", "run_s.p90", "schema"])
def test_an_unknown_figure_is_refused_with_those_that_are_known(name):
    with pytest.raises(ConfigurationError, match="no figure of the report") as refused:
        Condition.parse(f"{name}>0")
    assert "failed" in refused.value.hint
    assert "run_s.p95" in refused.value.hint


def test_all_figures_have_names():
    assert {"failed", "total", "attempts.crashed", "wasted_s.lost", "busy_s"} <= set(
        figures(REPORT)
    )
