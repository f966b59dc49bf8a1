"""The harness of `make bench` measures what it says; nothing here needs a peer or a network."""

from dataclasses import replace

import pytest

from benchmarks import metg, profile, sizes, table
from benchmarks.contestants import CONTESTANTS
from benchmarks.goals import Goal, goals
from benchmarks.loads import LOADS
from benchmarks.peers import jobrunner, protocol
from benchmarks.places import Folder
from benchmarks.sizes import QUICK, Sizes
from benchmarks.stock import Filling, Stock
from benchmarks.workers import drain

OVERHEAD = 0.003


def test_the_search_for_the_granularity_finds_where_overhead_takes_half():
    found = metg.shortest(lambda task: task / (task + OVERHEAD), low=1e-6, high=0.2, within=1.05)
    assert OVERHEAD <= found <= OVERHEAD * 1.05


def test_the_search_says_when_no_task_is_long_enough():
    with pytest.raises(RuntimeError, match="less than 50 %"):
        metg.shortest(lambda _: 0.4, low=1e-6, high=0.2, within=1.05)


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        (Goal("m", 40), "≥ 40, met: 50.0"),
        (Goal("m", 60), "≥ 60, NOT MET: 50.0"),
        (Goal("m", 3, most=True), "≤ 3, NOT MET: 50.0"),
        (Goal("m", 10, ("m", "huey"), says="huey"), "≥ 10 x huey, NOT MET: 5.00 x"),
        (Goal("m", 1, ("m", "peers"), says="all"), "≥ 1 x all, NOT MET: 0.83 x"),
        (Goal("m", 1, ("m", "absent")), ""),
        (Goal("other", 1), ""),
    ],
)
def test_a_goal_tells_whether_the_median_meets_it(goal, told):
    rounds = {("m", "jobrunner"): [1, 50, 99], ("m", "huey"): [10], ("m", "dbos"): [60]}
    assert goal.told({**rounds, ("m", "raw"): [1_000], ("m", "jobrunner, async"): [1_000]}) == told


def test_the_table_has_a_line_a_figure_and_a_goal_beside_its_own():
    found = {("m", "raw"): [1_234.5], ("m", "jobrunner"): [50.0, 60.0, 70.0]}
    lines = list(table.lines(found, [Goal("m", 40)], ["raw", "jobrunner"]))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[2] == ["m", "raw", "1,234", "1,234 to 1,234", "20.57 x", ""]
    assert cells[3] == ["", "jobrunner", "60.0", "50.0 to 70.0", "1.00 x", "≥ 40, met: 60.0"]
    assert len({line.rindex("|", 0, len(line) - 1) for line in lines}) == 1


@pytest.mark.parametrize("one", CONTESTANTS, ids=lambda one: one.name)
def test_a_contestant_is_pinned_and_says_what_is_to_be_known(one, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    pins = one.pins.read_text().splitlines() if one.pins.exists() else []
    assert all(line.partition("==")[2] for line in pins)
    assert one.version or one.module == "xargs"
    assert one.chosen
    assert one.durability
    assert one.killed
    assert one.loads <= {load.name for load in LOADS}


@pytest.mark.parametrize("size", [Sizes(), QUICK])
def test_every_goal_is_about_a_measure_of_its_own_or_of_the_same_run(size):
    known = {
        *(sizes.drained(n) for n in (1, 2)),
        *(sizes.single(n) for n in (1, 8)),
        *(sizes.against(n, "pending") for n in size.backlogs),
        sizes.against(size.backlogs[-1], "finished"),
        *(sizes.payload(length) for length, _ in size.payloads),
        *(sizes.graph(size, shape) for shape in sizes.SHAPES.values()),
        *(sizes.limited(limits) for limits in sizes.LIMITS.values()),
        *(sizes.memory(when) for when in sizes.MEMORY),
        *(sizes.overview(size, when) for when in ("first", "later")),
        *(sizes.looked_at(pages) for pages in sizes.PAGES),
        *(
            sizes.bulk(size),
            sizes.MEDIAN,
            sizes.P99,
            sizes.IDLE,
            sizes.COMMANDS,
            sizes.COMMANDS_TWO,
        ),
    }
    for goal in goals(size):
        assert {goal.measure, *(goal.of or ())[:1]} <= known


@pytest.mark.parametrize("name", ["raw", "jobrunner"])
def test_a_drain_counts_what_no_kill_can_undo(name, monkeypatch, request):
    monkeypatch.chdir(request.config.rootpath)
    (one,) = (one for one in CONTESTANTS if one.name == name)
    stock = Stock({"file": Folder})
    try:
        with stock.place(one, Filling(40)) as place:
            done = drain(replace(one, is_held=True), place, 40, cap=60)
            assert round(done.rate * done.seconds) == 40
    finally:
        stock.clear()


def test_a_profile_tells_the_parts_of_what_the_writing_thread_does():
    def some(url):
        """Some enqueued."""
        queue = jobrunner.opened(url)
        tasks = [jobrunner.new(protocol.PAYLOAD)]
        return 300, lambda: [queue.enqueue_ids(tasks) for _ in range(300)]

    first, *parts = profile.profile(some)
    assert first.startswith("Some enqueued. ")
    assert any(line.endswith(" commit") for line in parts)
    assert sum(int(line.split("%")[0]) for line in parts) <= 101
