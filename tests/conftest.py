"""What holds for the whole suite: in CI no test may be skipped."""

import os

import pytest


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped a test: a missing tool must not pass for success."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and terminal and terminal.stats.get("skipped"):
        terminal.write_line("\nA test was skipped, which CI does not allow.", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
