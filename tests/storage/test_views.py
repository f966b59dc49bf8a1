"""The views that people query, and the queries that are run: stable, and nothing but reading."""

import hashlib
import re
import shutil
from datetime import timedelta

import pytest
from sqlalchemy import text

from jobrunner.core.errors import SchemaError
from jobrunner.core.outcome import Completed, Failed, Output, Usage
from jobrunner.core.query import QueryError
from jobrunner.storage import migrate, views
from jobrunner.storage.query import queried
from tests.storage.everything import fill_others
from tests.storage.later import LATER, REVISION, downgrade
from tools.docs import DOCS

VIEWS = {view.name: list(view.columns) for view in views.VIEWS}

MADE = ("0007", "559ca95c6b72")
"""The revision that made the views as they are, and what they are by."""


def ask(store, words):
    with queried(store.database, words) as found:
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@pytest.fixture
def told(store):
    """A store with rows in all that the views show."""
    parent = store.add(args=("long" * 100,), description="first")
    store.add(after=[parent], command=["ffmpeg", "-i", "a"], timeout=timedelta(seconds=90))
    lease = store.claim_one()
    store.later(2)
    output, usage = Output(0, "out", "err"), Usage(0.25, 1 << 20)
    store.settle(lease, Failed("no luck"), output=output, usage=usage)
    fill_others(store)
    return store


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_has_rows_and_the_columns_it_is_said_to_have(told, name):
    rows = ask(told, f"SELECT * FROM {name}")  # noqa: S608
    assert rows
    assert list(rows[0]) == VIEWS[name]


def test_a_task_is_shown_in_words(told):
    first, second = ask(told, "SELECT * FROM v_tasks ORDER BY id")
    assert (first["name"], first["status"], second["name"]) == ("work", "scheduled", "ffmpeg")
    assert first["args"] == '["' + "long" * 100 + '"]'
    assert first["created_at"] == "2026-01-01T00:00:00.000000Z"
    assert (first["timeout_s"], second["timeout_s"]) == (None, 90.0)


def test_an_attempt_is_shown_with_what_it_took(told):
    told.sql("UPDATE attempts SET started_at = started_at - 1500001")
    (one,) = ask(told, "SELECT * FROM v_attempts")
    assert (one["outcome"], one["error"], one["stdout"]) == ("failed", "no luck", "out")
    assert (one["cpu_s"], one["peak_memory"]) == (0.25, 1 << 20)
    assert one["ran_s"] == pytest.approx(1.500001)
    assert one["started_at"] == "2026-01-01T00:00:00.499999Z"


def test_the_page_tells_of_each_view_and_of_its_columns():
    page = (DOCS / "sql.md").read_text(encoding="utf-8")
    sections = re.split(r"^### `(\w+)`", page, flags=re.MULTILINE)[1:]
    assert dict(zip(sections[::2], map(_columns, sections[1::2]), strict=True)) == VIEWS


def _columns(section):
    """The names in the first column of its table; several to a row."""
    rows = re.findall(r"^\| (`[^|]+) \|", section, flags=re.MULTILINE)
    return [name for row in rows for name in re.findall(r"`(\w+)`", row)]


def test_who_changes_a_view_makes_a_revision():
    shown = repr([(view.name, view.columns, view.source) for view in views.VIEWS])
    digest = hashlib.sha256(shown.encode()).hexdigest()[:12]
    assert digest == MADE[1], "databases that are there have the old ones: make a revision"
    assert MADE[0] in migrate.KNOWN


def test_a_migration_makes_the_views_anew(store, tmp_path, monkeypatch):
    scripts = tmp_path / "migrations"
    shutil.copytree(migrate.scripts(), scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / f"{LATER}_colour.py").write_text(REVISION)
    store.add()
    monkeypatch.setattr(migrate, "scripts", lambda: scripts)
    monkeypatch.setattr(migrate, "HEAD", LATER)
    monkeypatch.setattr(migrate, "KNOWN", (*migrate.KNOWN, LATER))
    migrate.upgrade(store.database)
    assert ask(store, "SELECT count(*) AS n FROM v_tasks") == [{"n": 1}]
    downgrade(store.database, scripts, to="0003")
    with store.database.reading() as connection, pytest.raises(Exception, match="v_tasks"):
        connection.execute(text("SELECT * FROM v_tasks"))
    migrate.upgrade(store.database)


@pytest.mark.parametrize(
    "words",
    [
        "DELETE FROM tasks",
        "UPDATE tasks SET priority = 9",
        "DROP VIEW v_tasks",
        "SELECT 1; DELETE FROM tasks",
        "SELECT 1; COMMIT; DELETE FROM tasks",
        "COMMIT",
        "PRAGMA query_only=OFF",
        "ATTACH 'other.db' AS other",
        "VACUUM INTO 'copy.db'",
        "COPY (SELECT 1) TO PROGRAM 'cat'",
        "WITH gone AS (DELETE FROM tasks RETURNING id) SELECT * FROM gone",
        "SELECT nextval('tasks_id_seq')",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT * FROM nothing",
        "SELECT load_extension('x')",
        "",
    ],
)
def test_only_a_query_is_run(store, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store.add()
    before = store.everything()
    with pytest.raises(QueryError, match="the query was not run") as told:
        ask(store, words)
    assert "\n" not in str(told.value)
    assert store.everything() == before
    assert not [path for path in tmp_path.iterdir() if path.name in {"other.db", "copy.db"}]


def test_a_query_may_be_long_and_have_any_sign(store):
    words = """
        -- how many, 100 % of them; ':x' is no name
        WITH RECURSIVE up (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM up WHERE n < 1200)
        SELECT n, 7 % 4 AS left, ':x %s' AS sign FROM up ORDER BY n DESC;
    """
    rows = ask(store, words)
    assert len(rows) == 1200
    assert rows[0] == {"n": 1200, "left": 3, "sign": ":x %s"}


def test_a_query_waits_for_no_writer_and_sees_what_was_committed(store):
    store.add()
    with store.database.writing() as transaction:
        transaction.execute(text("UPDATE tasks SET priority = 5"))
        assert ask(store, "SELECT priority FROM v_tasks") == [{"priority": 0}]
    assert ask(store, "SELECT priority FROM v_tasks") == [{"priority": 5}]


def test_a_database_of_another_version_is_not_brought_up_to_date(store):
    store.sql("UPDATE jobrunner_version SET version_num = '0003'")
    with pytest.raises(SchemaError, match="0003"):
        ask(store, "SELECT 1")
    store.sql("UPDATE jobrunner_version SET version_num = :head", head=migrate.HEAD)


def test_what_has_ended_is_stored_with_what_it_took(store):
    store.add()
    store.settle(store.claim_one(), Completed("1"), usage=Usage(0.5))
    assert ask(store, "SELECT cpu_s, peak_memory FROM v_attempts") == [
        {"cpu_s": 0.5, "peak_memory": None}
    ]
