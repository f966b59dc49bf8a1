"""A layer below SQLite that lets the n-th write, sync, truncate or open fail, without a compiler.

SQLite reaches its files through a table of C functions, the VFS. The extension module of the
driver exports the functions that manage these tables, so Python can put a copy of the usual one
in its place, in which a few entries are its own. What is not made to fail goes straight to the
real function; locks and shared memory are never touched unless asked for.

`install` is for processes of their own, before their first connection: it cannot be undone.
"""

import ctypes
import importlib
import threading
from collections import Counter
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass, field
from typing import Any, Final

from jobrunner.storage.sqlite import choose_driver

# SQLite's result codes (https://sqlite.org/rescode.html).
FULL: Final = 13
CANTOPEN: Final = 14
IOERR: Final = {
    "read": 10 | (1 << 8),
    "write": 10 | (3 << 8),
    "sync": 10 | (4 << 8),
    "truncate": 10 | (6 << 8),
    "delete": 10 | (10 << 8),
    "map": 10 | (21 << 8),
    "open": CANTOPEN,
}

METHODS: Final = {
    "xRead": ("read", CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)),
    "xWrite": ("write", CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)),
    "xTruncate": ("truncate", CFUNCTYPE(c_int, c_void_p, c_int64)),
    "xSync": ("sync", CFUNCTYPE(c_int, c_void_p, c_int)),
    "xShmMap": ("map", CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)),
}
"""What may fail of an open file: its name here, and its C type."""

OPEN: Final = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
DELETE: Final = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int)


def _pointers(*names: str) -> list[tuple[str, Any]]:
    return [(name, c_void_p) for name in names]


class Methods(Structure):
    """`sqlite3_io_methods`: the functions of an open file."""

    _fields_ = [
        ("iVersion", c_int),
        *_pointers("xClose", "xRead", "xWrite", "xTruncate", "xSync", "xFileSize", "xLock"),
        *_pointers("xUnlock", "xCheckReservedLock", "xFileControl", "xSectorSize"),
        *_pointers("xDeviceCharacteristics", "xShmMap", "xShmLock", "xShmBarrier", "xShmUnmap"),
        *_pointers("xFetch", "xUnfetch"),
    ]


class File(Structure):
    """`sqlite3_file`: an open file, as far as SQLite knows it."""

    _fields_ = [("methods", POINTER(Methods))]


class Vfs(Structure):
    """`sqlite3_vfs`: how files are opened, and what else SQLite wants of a system."""

    _fields_ = [
        ("iVersion", c_int),
        ("szOsFile", c_int),
        ("mxPathname", c_int),
        ("pNext", c_void_p),
        ("zName", c_char_p),
        ("pAppData", c_void_p),
        *_pointers("xOpen", "xDelete", "xAccess", "xFullPathname", "xDlOpen", "xDlError"),
        *_pointers("xDlSym", "xDlClose", "xRandomness", "xSleep", "xCurrentTime"),
        *_pointers("xGetLastError", "xCurrentTimeInt64", "xSetSystemCall", "xGetSystemCall"),
        *_pointers("xNextSystemCall"),
    ]


@dataclass
class Fault:
    """Which call fails, and how. With `number` 0 none does, and all are counted.

    `lasting`: all later calls of the kind fail too. `late`: the call is made and then said to
    have failed. `half`: half of a write reaches the file.
    """

    call: str = ""
    number: int = 0
    code: int = 0
    lasting: bool = False
    late: bool = False
    half: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    struck: int = 0
    _lock: Any = field(default_factory=threading.Lock)

    def strikes(self, call: str) -> bool:
        """Count a call; whether this one fails."""
        with self._lock:
            self.counts[call] += 1
            if call != self.call or not self.number:
                return False
            count = self.counts[call]
            struck = count >= self.number if self.lasting else count == self.number
            self.struck += struck
            return struck


_kept: Final[list[Any]] = []
"""What C has pointers to must never be collected."""


def install(fault: Fault) -> None:
    """Let `fault` strike every database that this process opens from now on."""
    library = _library()
    library.sqlite3_vfs_find.restype = POINTER(Vfs)
    library.sqlite3_vfs_find.argtypes = [c_char_p]
    library.sqlite3_vfs_register.argtypes = [c_void_p, c_int]
    real = library.sqlite3_vfs_find(None).contents
    ours = Vfs.from_buffer_copy(real)
    ours.zName = b"faults"
    ours.xOpen = _kept_address(OPEN(_opener(fault, OPEN(real.xOpen))))
    ours.xDelete = _intercept(fault, "delete", DELETE, real.xDelete)
    _kept.append(ours)
    failed = library.sqlite3_vfs_register(ctypes.addressof(ours), 1)
    assert not failed, "SQLite did not take the failing VFS"


def _library() -> ctypes.CDLL:
    """The SQLite that the driver of this process is linked with, and no other."""
    package = choose_driver().__name__.partition(".")[0]
    name = "_sqlite3" if package == "sqlite3" else f"{package}._sqlite3"
    return ctypes.CDLL(importlib.import_module(name).__file__)


def _opener(fault: Fault, real: Callable[..., int]) -> Callable[..., int]:
    copies: dict[int, Methods] = {}

    def open_file(vfs: int, name: int, address: int, flags: int, out_flags: int) -> int:
        file = cast(address, POINTER(File)).contents
        if fault.strikes("open"):
            file.methods = None  # else SQLite would close it
            return fault.code
        failed = real(vfs, name, address, flags, out_flags)
        if file.methods:
            place = ctypes.addressof(file.methods.contents)
            if place not in copies:
                copies[place] = _failing(fault, file.methods.contents)
            file.methods = ctypes.pointer(copies[place])
        return failed

    return open_file


def _failing(fault: Fault, real: Methods) -> Methods:
    copy = Methods.from_buffer_copy(real)
    for slot, (call, prototype) in METHODS.items():
        if address := getattr(real, slot):  # a temporary file has no shared memory
            setattr(copy, slot, _intercept(fault, call, prototype, address))
    return copy


def _intercept(fault: Fault, call: str, prototype: Any, address: int) -> int:
    real = prototype(address)

    def called(*arguments: Any) -> int:
        if not fault.strikes(call):
            return int(real(*arguments))
        if fault.late:
            real(*arguments)
        elif fault.half and call == "write":
            file, data, size, offset = arguments
            real(file, data, size // 2, offset)
        return fault.code

    return _kept_address(prototype(called))


def _kept_address(function: Any) -> int:
    _kept.append(function)
    address = cast(function, c_void_p).value
    assert address
    return address
