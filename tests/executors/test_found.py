"""A plug-in is found by its name, or it is said in a sentence why it cannot be used."""

import subprocess
import sys

import pytest

from jobrunner import Worker
from jobrunner.core.errors import ConfigurationError

MODULES = {
    "good": """
from jobrunner.core.errors import ConfigurationError

class Good:
    def __init__(self, *, size="4", colour="red"): pass

class Bare:
    def __init__(self): pass

class Broken:
    def __init__(self): raise OSError("the licence server is down")

class Typo:
    def __init__(self): None + 1

class Picky:
    def __init__(self):
        raise ConfigurationError("the size is too small", hint="Make it bigger.")

class Leaves:
    def __init__(self): raise SystemExit(3)

VALUE = 3
""",
    "needs": "import no_such_package",
    "syntax": "class Good(",
    "boom": "raise RuntimeError('boom')",
    "typo": "None + 1",
    "leaves": "raise SystemExit('bye')",
}
BAD = {
    "needs:Good": ("cannot be imported: No module named 'no_such_package'", "Install what it"),
    "missing:Good": ("cannot be imported: No module named 'missing'", "Install what it needs"),
    "good:Nothing": ("cannot be loaded: AttributeError: ", "Mend its entry point, good:Nothing"),
    "syntax:Good": ("cannot be loaded: SyntaxError: ", "Mend its entry point, syntax:Good"),
    "boom:Good": ("cannot be loaded: RuntimeError: boom", "Mend its entry point, boom:Good"),
    "typo:Good": ("cannot be loaded: TypeError: ", "Mend its entry point, typo:Good"),
    "leaves:Good": ("cannot be loaded: SystemExit: bye", "Mend its entry point, leaves:Good"),
    "good:VALUE": ("cannot be loaded: its entry point is no class, but of type int", "Mend its"),
    "good": ("cannot be loaded: its entry point is no class, but of type module", "Mend its entry"),
    "good:Broken": ("cannot be made: OSError: the licence server is down", "Give it options"),
    "good:Typo": ("cannot be made: TypeError: unsupported operand", "Give it options"),
    "good:Leaves": ("cannot be made: SystemExit: 3", "Give it options"),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder on the path with modules that are forgotten after the test."""
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture
def install(folder):
    """Put a distribution with executors into that folder."""

    def install(distribution="example", **executors):
        metadata = folder / f"{distribution}-1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1\n"
        )
        lines = [f"{name} = {value}" for name, value in executors.items()]
        (metadata / "entry_points.txt").write_text("\n".join(["[jobrunner.executors]", *lines]))

    return install


@pytest.mark.parametrize("value", BAD)
def test_a_plug_in_that_cannot_be_used_is_refused_with_a_next_step(queue, install, value):
    install(bad=value)
    problem, step = BAD[value]
    with pytest.raises(ConfigurationError) as refused:
        Worker(queue, executor="bad")
    assert str(refused.value).startswith(f"the executor 'bad' {problem}")
    assert refused.value.hint.startswith(step)


@pytest.mark.parametrize(
    ("value", "options", "step"),
    [
        ("good:Good", {"address": "tcp://there"}, "It takes size and colour."),
        ("good:Bare", {"address": "tcp://there"}, "It takes no options."),
        ("good:Good", {"siez": "4"}, "It takes size and colour."),
    ],
)
def test_a_plug_in_that_takes_other_options_says_which(queue, install, value, options, step):
    install(good=value)
    with pytest.raises(ConfigurationError, match="cannot be made of its options: ") as refused:
        Worker(queue, executor="good", executor_options=options)
    assert refused.value.hint == step


def test_a_plug_in_may_be_anything_that_can_be_called(queue, install):
    install(good="builtins:dict")
    Worker(queue, executor="good", executor_options={"size": "2"})


def test_a_plug_in_may_say_itself_what_is_wrong(queue, install):
    install(good="good:Picky")
    with pytest.raises(ConfigurationError, match=r"^the size is too small$"):
        Worker(queue, executor="good")


@pytest.mark.parametrize("words", [(), ("--workers=2",)], ids=["one worker", "two"])
@pytest.mark.parametrize("value", ["boom:Good", "leaves:Good", "good:VALUE", "good:Leaves"])
def test_the_command_line_refuses_it_before_anything_is_started(folder, install, words, value):
    install(bad=value)
    command = [sys.executable, "-m", "jobrunner", "--db", "jobs.db", "work", "--executor=bad"]
    ended = subprocess.run(
        [*command, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 2
    assert "the executor 'bad' cannot be " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "worker" not in ended.stderr


def test_two_plug_ins_of_one_name_are_refused_with_those_who_brought_them(queue, install):
    install("one", pool="good:Good")
    install("another", pool="good:Bare", other="good:Bare")
    with pytest.raises(ConfigurationError, match=r"one executor 'pool': from another, one$"):
        Worker(queue, executor="pool")
    with pytest.raises(ConfigurationError, match=r"async, dask, other, pool$"):
        Worker(queue, executor="poll")


def test_a_plug_in_named_like_what_is_built_in_is_never_used(queue, install):
    install(thread="boom:Good", process="boom:Good", command="boom:Good")
    Worker(queue, executor="thread")
    with pytest.raises(ConfigurationError, match="no executor 'command', only thread, process, "):
        Worker(queue, executor="command")
    with pytest.raises(ConfigurationError, match=r"only thread, process, async, dask$"):
        Worker(queue, executor="slurm")
