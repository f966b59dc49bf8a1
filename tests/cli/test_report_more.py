"""`jobrunner report` as a page, by groups, and as a verdict for CI."""

import subprocess
import sys

import pytest


@pytest.fixture
def done(cli):
    """Two tasks completed, one failed."""
    cli.enqueue()
    cli.enqueue(queue="images")
    cli.enqueue("fail", max_attempts=1)
    cli.drain()
    return cli


def test_attempts_are_put_together_by_what_is_asked_for(done):
    told = done("report", "--by", "queue", "--json").json
    assert told["by"] == "queue"
    assert [(one["name"], one["count"]) for one in told["groups"]] == [
        ("default", 2),
        ("images", 1),
    ]
    heading, *lines = done("report", "--by", "queue").out.partition("\n\n")[2].splitlines()
    assert heading.split("\t") == [
        *("queue", "attempts", "failed", "wasted", "p50", "p95", "p99", "max")
    ]
    assert [line.split("\t")[:3] for line in lines] == [["default", "2", "1"], ["images", "1", "0"]]


@pytest.mark.parametrize("by", ["function", "worker", "hour"])
def test_there_are_groups_of_each_kind(done, by):
    groups = done("report", "--by", by, "--json").json["groups"]
    assert sum(one["count"] for one in groups) == 3
    assert sum(one["failed"] for one in groups) == 1


def test_by_something_else_is_refused(done):
    ran = done("report", "--by", "moon")
    assert ran.code == 2
    assert "'function', 'queue', 'worker', 'hour'" in ran.err


def test_what_must_not_be_ends_with_1_after_the_report(done):
    ran = done("report", "--fail-if", "failed>0", "--fail-if", "total>99")
    assert ran.code == 1
    assert "Tasks     3: 2 completed, 1 failed" in ran.out
    assert ran.err == "jobrunner: failed is 1, which --fail-if failed>0 refuses.\n"
    assert done("report", "--json", "--fail-if", "attempts.failed = 1").code == 1
    assert done("report", "--fail-if", "failed>1", "--fail-if", "attempts.lost>0").code == 0


@pytest.mark.parametrize(("text", "told"), [("fails>0", "Known are:"), ("failed", "failed>0")])
def test_a_condition_that_is_none_is_refused_before_anything_is_read(done, text, told):
    ran = done("report", "--fail-if", text)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_a_page_is_written_and_stdout_left_alone(done):
    ran = done("report", "--html", "report.html")
    assert (ran.code, ran.out) == (0, "")
    page = (done.folder / "report.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert "ValueError: out of luck" in page
    assert done("report", "--html", "-").out.splitlines()[0] == "<!doctype html>"


def test_a_page_may_come_with_json_and_a_verdict(done):
    ran = done("report", "--html", "report.html", "--json", "--fail-if", "failed>0")
    assert ran.code == 1
    assert ran.json["tasks"]["total"] == 3
    assert (done.folder / "report.html").exists()
    assert done("report", "--html", "-", "--json").code == 2


@pytest.mark.parametrize("name", ["jobs.db", "jobs.db-wal", "jobs.db.lock", "link.html"])
def test_a_page_never_replaces_the_database(done, name):
    (done.folder / "link.html").symlink_to("jobs.db")
    ran = done("report", "--html", name)
    assert ran.code == 2
    assert "belongs to the database" in ran.err
    assert done("db", "check").code == 0


def test_a_place_that_cannot_be_written_is_told(done):
    ran = done("report", "--html", "no/such/folder.html")
    assert ran.code == 2
    assert "no/such/folder.html cannot be written: No such file or directory" in ran.err


def test_the_page_of_nothing_says_so(cli):
    cli("db", "upgrade")
    assert cli("report", "--html", "report.html").code == 0
    page = (cli.folder / "report.html").read_text()
    assert "Nothing has run yet." in page
    assert "<table" not in page


def test_a_page_needs_no_library_of_the_web(done):
    words = ("report", "--html", "bare.html")
    program = (
        "import sys; sys.modules |= dict.fromkeys(('fastapi', 'jinja2', 'starlette'))\n"
        f"from jobrunner.cli import app; sys.exit(app.run({words}))"
    )
    ran = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    assert (done.folder / "bare.html").exists()
