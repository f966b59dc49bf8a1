"""What the demonstration works on: the modules of this Python's own library."""

import sysconfig
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from jobrunner.core.errors import ConfigurationError

AT_LEAST: Final = 150
"""Files without which the demonstration shows little, unless fewer were asked for."""

_LEFT_OUT: Final = frozenset(
    {"dist-packages", "ensurepip", "idlelib", "lib2to3", "site-packages", "test", "turtledemo"}
)


def find_sources(at_most: int) -> Mapping[str, Path]:
    """The first modules of the library, by a name without slashes: those of packages come last.

    Raises:
        ConfigurationError: there are too few, as in a Python that runs from an archive.
    """
    library = Path(sysconfig.get_path("stdlib"))
    found = {".".join(path.relative_to(library).parts): path for path in _modules(library)}
    if len(found) < min(at_most, AT_LEAST):
        raise ConfigurationError(
            f"the library of this Python has {len(found)} modules as files in {library}, "
            f"and the demo needs {min(at_most, AT_LEAST)}",
            hint="Ask for fewer with --files N.",
        )
    return dict(list(found.items())[:at_most])


def _modules(library: Path) -> Iterator[Path]:
    yield from sorted(library.glob("*.py"))
    for package in sorted(path.parent for path in library.glob("*/__init__.py")):
        if package.name not in _LEFT_OUT:
            yield from sorted(package.glob("*.py"))
