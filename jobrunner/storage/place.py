"""Where an SQLite database lies: its file system, its permissions, the room that is left."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from jobrunner.core.errors import DiskFullError
from jobrunner.core.finding import Finding, Level, ok, problem, warning
from jobrunner.storage import kernel
from jobrunner.storage.reserve import Reserve
from jobrunner.storage.sqlite import JOURNAL_LIMIT

NETWORK: Final = re.compile(
    r"9p|afs|beegfs|ceph|cifs|coda|davfs|gfs2|glusterfs|gpfs|lustre|ncpfs|nfs4?|ocfs2|orangefs"
    r"|smb[23]|smbfs|fuse\.(?:ceph.*|davfs2|gcsfuse|glusterfs|rclone|s3fs|sshfs|smb.*)"
)
"""File systems that several machines share, or that pass calls on to another one."""

_SHARED: Final = re.compile(r"virtiofs|vboxsf|prl_fs|vmhgfs|fuse\..*")

_TOLD: Final[dict[str, tuple[Level, str, str]]] = {
    "tmpfs": (Level.WARNING, ", gone when the machine restarts", "Use a disk."),
    "ramfs": (Level.WARNING, ", gone when the machine restarts", "Use a disk."),
    "overlay": (Level.OK, ", which goes with its container; a volume would stay", ""),
}

LITTLE_ROOM: Final = 8 * JOURNAL_LIMIT
"""Bytes; below them somebody should look. The WAL alone may grow to an eighth."""

MIB: Final = 1 << 20
FREE_SOME: Final = "Free some space."

_SUFFIXES: Final = ("", "-wal", "-shm", ".lock", ".reserve", ".workers")


class Seen(NamedTuple):
    """A file or folder: its mode bits, its owner, and whether this user may write to it."""

    path: Path
    mode: int
    owner: int
    is_writable: bool

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.mode)


def see(path: Path) -> Seen | None:
    """Look at a file without opening it; `None` if it is not there or may not be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Seen(path, found.st_mode, found.st_uid, os.access(path, os.W_OK))


def file_system(folder: Path, mounts: str | None) -> Finding:
    """Whether the file system can hold an SQLite database in WAL mode.

    `mounts` is the text of /proc/self/mountinfo, `None` where there is none.
    """
    name = "file system"
    mount = kernel.mount_of(folder.resolve(), mounts) if mounts else None
    if mount is None:
        return ok(name, "not looked at: this system does not tell what is mounted")
    where = f"{folder} is on {mount.kind}, mounted at {mount.point}"
    if NETWORK.fullmatch(mount.kind):
        says = f"{where}: a network file system, on which SQLite loses data"
        return problem(name, says, "Move the database to a local disk.")
    if mount.is_read_only:
        return problem(name, f"{where}, read-only", "Mount it for writing.")
    if _SHARED.fullmatch(mount.kind):
        says = f"{where}, which may not share memory and locks as SQLite's WAL needs it"
        return warning(name, says, "Use a local disk, or one machine and one container only.")
    level, more, hint = _TOLD.get(mount.kind, (Level.OK, "", ""))
    return Finding(name, level, f"{where}{more}", hint)


def permissions(path: Path) -> Finding:
    """Whether the database, what lies beside it and their folder are this user's alone."""
    beside = [see(Path(f"{path}{suffix}")) for suffix in _SUFFIXES]
    return judge_permissions([one for one in beside if one], see(path.parent), os.geteuid())


def judge_permissions(files: list[Seen], folder: Seen | None, user: int) -> Finding:
    """The worst there is to say of some files, for the user with that number."""
    name = "permissions"
    if folder is None:
        return problem(name, "the folder cannot be seen", "Create it, or name another --db.")
    locked = [one for one in (folder, *files) if not one.is_writable]
    if locked:
        says = f"this user may not write to {_paths(locked)}"
        return problem(name, says, "Run it as the owner, or give this user write access.")
    others = [one for one in files if one.owner != user]
    if others:
        says = f"{_paths(others)} belongs to another user (number {others[0].owner})"
        return warning(name, says, "Run all of jobrunner as one user: new files shut others out.")
    if folder.mode & 0o022:
        says = f"others may put files into {folder.path} (mode {_mode(folder)})"
        return warning(name, says, f"Run `chmod go-w {folder.path}`, or use a folder of its own.")
    shared = [one for one in files if one.mode & 0o077]
    if shared:
        says = f"others may use {_paths(shared)} (mode {_mode(shared[0])})"
        return warning(name, says, f"Run `chmod go-rwx {_paths(shared)}`.")
    return ok(name, "files and folder are this user's alone" if files else "the folder is writable")


def _paths(seen: list[Seen]) -> str:
    return " ".join(str(one.path) for one in seen)


def _mode(seen: Seen) -> str:
    return f"{stat.S_IMODE(seen.mode):04o}"


def room(folder: Path, reserve: Reserve) -> Finding:
    """How much room the file system has left, and whether some is kept back for the worst."""
    name = "disk"
    found = os.statvfs(folder)
    if found.f_files and not found.f_favail:
        return problem(name, "the file system has no room for another file", FREE_SOME)
    try:
        reserve.refuse_when_low()
    except DiskFullError as error:
        return problem(name, str(error), error.hint)
    return judge_room(found.f_bavail * found.f_frsize, is_kept=reserve.is_kept())


def judge_room(free: int, *, is_kept: bool) -> Finding:
    """Whether `free` bytes are enough for a while, where they are enough for now."""
    kept = "the reserve is there" if is_kept else "the next worker makes the reserve"
    says = f"{free / MIB:,.0f} MiB free, {kept}"
    if free < LITTLE_ROOM:
        return warning("disk", says, FREE_SOME)
    return ok("disk", says)


def surroundings(path: Path, reserve: Reserve) -> Iterator[Finding]:
    """All that can be told of a database's place without opening it."""
    folder = path.parent
    if not folder.is_dir():
        says = f"the folder {folder} does not exist"
        yield problem("file system", says, "Create it, or name another --db.")
        return
    yield file_system(folder, kernel.read("self/mountinfo"))
    yield permissions(path)
    yield room(folder, reserve)
