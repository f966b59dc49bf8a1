"""The page on executors works as it stands: its plug-in keeps the promises of the kit."""

import re
import tomllib
from pathlib import Path

import jobrunner.executors

pytest_plugins = ["pytester"]

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "docs" / "executors.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"```(?:python|toml)\n# (\w+\.\w+)\n(.*?)```", PAGE, re.DOTALL))


def test_the_plug_in_of_the_page_keeps_all_promises(pytester):
    for name in ("pool_executor.py", "test_pool_executor.py"):
        (pytester.path / name).write_text(EXAMPLES[name])
    install(pytester.path, tomllib.loads(EXAMPLES["pyproject.toml"])["project"]["entry-points"])
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed"}
    assert outcomes["passed"] > 25


def install(folder: Path, entry_points: dict[str, dict[str, str]]) -> None:
    """Make a folder on the path a distribution with these entry points."""
    metadata = folder / "example-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: example\nVersion: 1\n")
    lines = [
        line
        for group, names in entry_points.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in names.items()))
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))


def test_every_public_name_is_told():
    assert [name for name in jobrunner.executors.__all__ if f"`{name}" not in PAGE] == []
