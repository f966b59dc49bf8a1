"""The list of guards fits the code: what `make mutants` removes is there, exactly once."""

from collections import Counter
from pathlib import Path

import pytest

from tools import mutants

ROOT = Path(__file__).resolve().parent.parent
GUARDS = mutants.read()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_text_of_a_guard_occurs_once(guard):
    assert mutants.misfits([guard]) == []


def test_every_guard_has_a_name_of_its_own_and_a_reason():
    names = Counter(guard.name for guard in GUARDS)
    assert [name for name, times in names.items() if times > 1] == []
    assert all(guard.why.endswith(".") for guard in GUARDS)


def test_every_mutant_is_another_program():
    for guard in GUARDS:
        assert all(edit.old != edit.new for edit in guard.edits), guard.name
        for edit in guard.edits:
            text = (ROOT / edit.file).read_text().replace(edit.old, edit.new)
            compile(text, edit.file, "exec")


def test_a_file_of_guards_fits_into_250_lines():
    for path in mutants.GUARDS.glob("*.toml"):
        assert len(path.read_text().splitlines()) <= 250, path.name


@pytest.mark.parametrize(
    ("exit_code", "said", "killer", "broken"),
    [
        (0, "3 passed", None, False),
        (1, "FAILED tests/test_a.py::test_b[c d] - assert 1\n", "test_b", False),
        (1, "ERROR tests/test_a.py::TestB::test_c\n", "test_c", False),
        (2, "ERROR tests/test_a.py - ImportError\n", "tests/test_a.py", True),
        (5, "no tests ran", "broken", True),
        (-9, "no end", "it hangs", False),
    ],
)
def test_only_a_test_that_fails_kills(exit_code, said, killer, broken):
    ran = mutants._judge(exit_code, said, 1.0)
    assert (ran.killer, ran.broken) == (killer, broken)
