"""Read a pickle as plain data: nothing that it names is called but a few harmless classes."""

import io
import pickle
import zlib
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Any, Final

LARGEST: Final = 16 * 1024 * 1024
"""Bytes that compressed data may come to."""

_HARMLESS: Final[dict[tuple[str, str], Any]] = {
    ("datetime", one.__name__): one for one in (date, datetime, time, timedelta, timezone)
}


class UnreadableError(Exception):
    """It is no pickle, or one that names what is not read; says so in a sentence's second half."""


class _Reader(pickle.Unpickler):
    def __init__(self, data: bytes, classes: Mapping[tuple[str, str], Any]) -> None:
        super().__init__(io.BytesIO(data))
        self._classes = {**_HARMLESS, **classes}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """The class of a name, if it is one of the few."""
        try:
            return self._classes[module_name, global_name]
        except KeyError:
            raise UnreadableError(
                f"is not plain data: it names {module_name}.{global_name}"
            ) from None


def is_pickle(data: bytes) -> bool:
    """Whether it begins as pickles do since Python 2.3."""
    return data[:1] == b"\x80"


def read(data: bytes, classes: Mapping[tuple[str, str], Any]) -> Any:
    """What is in a pickle. `classes` are what stands for further names.

    Raises:
        UnreadableError: it names anything else, or is no pickle.
    """
    try:
        return _Reader(data, classes).load()
    except UnreadableError:
        raise
    except Exception as error:  # a damaged one can raise nearly anything
        raise UnreadableError(f"cannot be read: {error}") from error


def expanded(data: bytes) -> bytes:
    """What gzip or zlib has made smaller, or the data as they are.

    Raises:
        UnreadableError: they are damaged, or come to more than `LARGEST` bytes.
    """
    if data[:1] not in {b"\x1f", b"\x78"}:
        return data
    reader = zlib.decompressobj(wbits=47)  # either of the two
    try:
        found = reader.decompress(data, LARGEST)
    except zlib.error as error:
        raise UnreadableError(f"cannot be read: {error}") from error
    if reader.unconsumed_tail:
        raise UnreadableError(f"comes to more than {LARGEST:,} bytes")
    return found
