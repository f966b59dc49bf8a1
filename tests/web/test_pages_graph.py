"""The pages of workflows and batches: how far they are, what failed, and what runs again."""

import pytest

from jobrunner import NewTask
from jobrunner.core.outcome import Completed
from jobrunner.core.role import Role
from jobrunner.testing import drain
from tests.web.forms import acts_of, press, pressed
from tests.web.house import assert_only_shown, store_of, wide, workflow
from tests.web.made_up import HOSTILE


def statuses(queue, *ids):
    return [queue.get(task_id).status.value for task_id in ids]


@pytest.fixture
def ids(queue):
    return workflow(queue)


@pytest.mark.parametrize("view", ["graph", "gantt", "table"])
def test_a_workflow_tells_how_far_it_is_whichever_of_its_tasks_is_asked_for(client, ids, view):
    for task_id in ids.values():
        page = client.get(f"/graph/{task_id}?view={view}").text
        assert "2 of 5" in page
        assert '<dd class="status-failed">1</dd>' in page
        assert "Critical path" in page
        assert "<img" not in page
        place = f"/api/v1/graph/{task_id}"
        assert (f'data-{view}-url="{place}"' in page) == (view != "table")


def test_the_table_tells_each_task_with_its_parents_and_what_is_below_it(client, ids):
    page = client.get(f"/graph/{ids['one']}?view=table").text
    rows = page.partition("<tbody>")[2].split("</tr>")
    last = next(row for row in rows if f'href="/tasks/{ids["last"]}">' in row and "wide" in row)
    assert f'<a href="/tasks/{ids["left"]}">' in last
    assert "status-cancelled" in last
    assert '<td class="num">0</td>' in last
    first = next(row for row in rows if f'<span class="task-id">{ids["one"]}<' in row)
    assert '<td class="num">3</td>' in first
    assert "critical path" in page


def test_the_json_is_what_the_drawings_take(client, ids):
    found = client.get(f"/api/v1/graph/{ids['one']}").json()
    assert [node["id"] for node in found["nodes"]] == sorted(ids.values())
    assert {tuple(edge.values()) for edge in found["edges"]} == {
        (ids["one"], ids["left"], "cancel"),
        (ids["one"], ids["right"], "cancel"),
        (ids["other"], ids["right"], "cancel"),
        (ids["left"], ids["last"], "cancel"),
        (ids["right"], ids["last"], "cancel"),
    }
    assert not found["is_cut"]
    assert set(found["critical"]) <= {*ids.values()}
    again = {"If-None-Match": client.get(f"/api/v1/graph/{ids['one']}").headers["etag"]}
    assert client.get(f"/api/v1/graph/{ids['one']}", headers=again).status_code == 304


def test_retry_failed_only_runs_what_failed_and_what_was_cancelled_for_it(queue, client, ids):
    page = pressed(client, f"/graph/{ids['left']}", "Retry failed only of this workflow")
    assert "They run again." in page
    assert statuses(queue, *ids.values()) == [
        "completed",
        "pending",
        "completed",
        "blocked",
        "blocked",
    ]
    workflow(queue, fails=False)  # the same functions, which are well now
    assert statuses(queue, *ids.values()) == ["completed"] * 5


def test_each_of_several_that_failed_runs_again(queue, client):
    @queue.task(max_attempts=1)
    def bad() -> None:
        raise ValueError("no")

    first, second = bad.bind(), bad.bind()
    behind = bad.using(after=[first, second]).bind()
    ids = [task.id for task in queue.enqueue_many([first, second, behind])]
    drain(queue, raise_errors=False)
    pressed(client, f"/graph/{ids[2]}", "Retry failed only of this workflow")
    assert statuses(queue, *ids) == ["pending", "pending", "blocked"]
    noted = [entry.action for entry in queue.audit.list()]
    assert noted == ["retry", "retry"]


def test_one_task_runs_again_with_all_that_depends_on_it(queue, client, ids):
    place = f"/graph/{ids['one']}?view=table"
    answer = press(client, place, f"Run again task {ids['right']} and all below it")
    assert answer.status_code == 409  # what it depends on has failed
    pressed(client, place, f"Run again task {ids['other']} and all below it")
    assert statuses(queue, *ids.values()) == [
        "completed",
        "pending",
        "completed",
        "blocked",
        "blocked",
    ]


def test_one_that_failed_is_retried_by_itself(queue, client, ids):
    place = f"/graph/{ids['one']}?view=table"
    page = pressed(client, place, f"Retry task {ids['other']}")
    assert queue.get(ids["other"]).status == "pending"
    assert f"Retry task {ids['other']}" not in acts_of(page)


@pytest.fixture
def batch(queue):
    @queue.task(max_attempts=1)
    def member(number: int) -> None:
        if number == 2:
            raise ValueError(HOSTILE)

    members = [member.bind(number) for number in range(4)]
    ends = {name: NewTask(function="member", args=[0]) for name in ("on_success", "on_end")}
    found = queue.batches.enqueue(members, description=HOSTILE, **ends)
    drain(queue, raise_errors=False)
    return found


def test_batches_are_listed_newest_first_page_by_page(queue, client, batch, monkeypatch):
    monkeypatch.setattr("jobrunner.web.pages.graph.PAGE", 2)
    more = [queue.batches.enqueue([NewTask(function="member", args=[0])]).id for _ in range(2)]
    page = client.get("/batches").text
    assert [f'"/batches/{number}"' in page for number in (batch.id, *more)] == [False, True, True]
    older = page.partition('href="/batches?before=')[2].partition('"')[0]
    page = client.get(f"/batches?before={older}").text
    assert f'"/batches/{batch.id}"' in page
    assert "<img" not in page
    assert "3 of 4" in page


def test_a_batch_shows_its_members_and_callbacks_and_retries_what_failed(queue, client, batch):
    page = client.get(f"/batches/{batch.id}").text
    assert "<img" not in page
    assert f'data-graph-url="/api/v1/batches/{batch.id}/graph"' in page
    assert f'href="/tasks/{batch.on_end}"' in page
    found = client.get(f"/api/v1/batches/{batch.id}/graph").json()
    assert len(found["nodes"]) == 6
    pressed(client, f"/batches/{batch.id}", "Retry failed only of this workflow")
    assert queue.batches.get(batch.id).tasks["pending"] == 1


def test_a_graph_over_the_limit_is_cut_and_says_so(queue, client, monkeypatch):
    monkeypatch.setattr("jobrunner.web.pages.graph.LARGEST_GRAPH", 10)
    first = queue.enqueue_many(wide("work", 30))[0].id
    batch = queue.batches.enqueue([NewTask(function="member") for _ in range(12)])
    page = client.get(f"/graph/{first}").text
    assert "Shown are 10 tasks, the nearest to this one" in page
    assert "the first of this batch" in client.get(f"/batches/{batch.id}").text
    found = client.get(f"/api/v1/graph/{first}?limit=10").json()
    assert found["is_cut"]
    assert len(found["nodes"]) == 10


def test_readers_and_read_only_servers_show_no_acts_and_take_none(
    queue, make_client, tokens, ids, batch
):
    place = f"/graph/{ids['one']}"
    assert_only_shown(make_client, tokens, place, place, act="failed")
    told = {"act": "downstream", "which": str(ids["other"])}
    assert_only_shown(make_client, tokens, f"{place}?view=table", place, **told)
    assert_only_shown(
        make_client, tokens, f"/batches/{batch.id}", f"/batches/{batch.id}", act="failed"
    )
    assert queue.get(ids["other"]).status == "failed"
    assert queue.batches.get(batch.id).tasks["failed"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/graph/1",
        "/graph/0",
        "/graph/-1",
        "/graph/x",
        "/graph/²",
        f"/graph/{2**63}",
        f"/graph/{'9' * 5_000}",
        "/batches/1",
        "/batches/x",
        "/batches?before=x",
        "/api/v1/graph/1",
        f"/api/v1/graph/{2**63}",
        "/api/v1/batches/1/graph",
    ],
)
def test_what_is_not_there_or_is_no_id_is_refused(client, path):
    assert 400 <= client.get(path).status_code < 500


@pytest.mark.parametrize("query", ["view=x", "view="])
def test_there_are_three_views(client, ids, query):
    assert client.get(f"/graph/{ids['one']}?{query}").status_code == 422


@pytest.mark.parametrize(
    "told", [{"act": "x"}, {}, {"act": "downstream", "which": "x"}, {"act": "failed_only"}]
)
def test_what_makes_no_sense_is_refused(make_client, tokens, ids, told):
    client = make_client(token=tokens[Role.OPERATE])
    answer = client.post(f"/graph/{ids['left']}", data=told)
    assert 400 <= answer.status_code < 500


def test_a_workflow_that_is_open_tells_when_it_ends(queue, client, ids):
    assert "Ends in" not in client.get(f"/graph/{ids['one']}").text
    pressed(client, f"/graph/{ids['left']}", "Retry failed only of this workflow")
    place = f"/graph/{ids['one']}"
    assert "runs of" in client.get(place).text.partition("<dt>Ends in</dt><dd>unknown")[2][:200]
    store = store_of(queue)
    store.worker("ada", concurrency=4)
    for name in ["good", "bad"] * 5:
        store.finish(store.add(function=name), Completed())
    place = f"/graph/{ids['last']}"  # what was told of the other is still fresh
    told = client.get(place).text.partition("<dt>Ends in</dt><dd>")[2].partition("</dd>")[0]
    assert "with 4 at a time, from at least 5 runs of each of 2 functions and commands" in told
