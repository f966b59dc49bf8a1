"""The page on testing works as it stands: its application, its fixtures and its tests."""

import re
from pathlib import Path

import pytest

import jobrunner.testing

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, re.DOTALL))
TESTS = sorted(name for name in EXAMPLES if name.startswith("test_"))


def test_the_examples_pass_and_leave_production_alone(pytester):
    for file in ("app.py", "conftest.py", *TESTS):
        (pytester.path / file).write_text(EXAMPLES[file])
    pytester.syspathinsert(ROOT)
    result = pytester.runpytest_subprocess(
        "-p", "no:jobrunner", "-p", "jobrunner.testing.plugin", "-W", "error"
    )
    result.assert_outcomes(passed=sum(EXAMPLES[name].count("def test_") for name in TESTS))
    assert sorted(path.name for path in pytester.path.glob("production.db*")) == []


def test_every_block_of_the_page_is_run():
    elsewhere = {"booked_once.py", "shop.py"}  # by tests/cli/test_crashtest.py
    assert PAGE.count("```python") == len(EXAMPLES)
    assert set(EXAMPLES) - set(TESTS) == {"app.py", "conftest.py"} | elsewhere


@pytest.mark.parametrize("name", jobrunner.testing.__all__)
def test_every_public_name_is_told_and_there(name):
    assert f"{name}" in PAGE
    assert getattr(jobrunner.testing, name).__name__ == name


def test_importing_a_module_hides_no_function():
    from jobrunner.testing import draining, inlining, isolation

    assert jobrunner.testing.drain is draining.drain
    assert jobrunner.testing.inline is inlining.inline
    assert jobrunner.testing.isolated is isolation.isolated
