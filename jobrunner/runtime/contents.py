"""What identifies a task and the content of its files, so that an unchanged one is known again."""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import CodeType
from typing import Any, Final, cast

from jobrunner.core.errors import InvalidTaskError

DIGEST: Final = 32
"""Bytes of a hash, BLAKE2b (RFC 7693)."""


def digest(*parts: object) -> str:
    """One short text for JSON values, another one for any others; what is none goes by its type."""
    told = json.dumps(parts, sort_keys=True, default=_kind)
    return hashlib.blake2b(told.encode(), digest_size=DIGEST).hexdigest()


def _kind(value: object) -> str:
    return f"a {type(value).__qualname__}"


def of_files(paths: Iterable[Path], *, never: Path | None) -> dict[str, str | None]:
    """What identifies the content of each file; `None` for one that is not there.

    `never` is the database: to open and close it would drop the locks that this process has on it.

    Raises:
        InvalidTaskError: one is a folder, or the database.
        OSError: one cannot be read.
    """
    return {str(path): _of_file(path, never) for path in paths}


def _of_file(path: Path, never: Path | None) -> str | None:
    if not path.exists():
        return None
    if not path.is_file():
        raise InvalidTaskError(f"{path} is no file", field="cache", hint="Name files, no folders.")
    if never is not None and _is_part(path, never):
        raise InvalidTaskError(f"{path} is the database of the tasks themselves", field="cache")
    with path.open("rb") as file:
        made = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=DIGEST))
    return made.hexdigest()


def _is_part(path: Path, database: Path) -> bool:
    """Whether it is the database, under whatever name, or one of the files beside it."""
    beside = (database.with_name(database.name + end) for end in ("", "-wal", "-shm", ".lock"))
    return any(own.exists() and path.samefile(own) for own in beside)


def of_function(call: Callable[..., Any]) -> str:
    """What identifies a function's own code, as it was loaded; not that of what it calls.

    Raises:
        InvalidTaskError: it has none that can be seen.
    """
    code = getattr(inspect.unwrap(call), "__code__", None)
    if not isinstance(code, CodeType):
        raise InvalidTaskError(
            "its function has no code to tell its version by",
            field="cache",
            hint='Give one: Cache(version="1").',
        )
    return digest(_of_code(code))


def _of_code(code: CodeType) -> list[Any]:
    names = [*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars]
    return [code.co_code.hex(), names, [_of_constant(one) for one in code.co_consts]]


def _of_constant(value: object) -> Any:
    if isinstance(value, CodeType):  # a function inside; its `repr` holds an address
        return _of_code(value)
    if isinstance(value, tuple):
        return [_of_constant(one) for one in cast("tuple[object, ...]", value)]
    if isinstance(value, frozenset):  # in another order in each process
        return sorted(map(repr, cast("frozenset[object]", value)))
    return repr(value)


def arguments(
    call: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Arguments by the names of the parameters, defaults too; `None` where they do not fit."""
    try:
        bound = inspect.signature(call).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return None
    bound.apply_defaults()
    return bound.arguments
