"""Who a worker is: ids and tokens never used before, the host, the boot."""

import os
import platform
import random
import secrets
from datetime import timedelta
from pathlib import Path

from jobrunner.core.backoff import exponential
from jobrunner.core.task import Token, WorkerId

_random = random.SystemRandom()


def new_worker_id() -> WorkerId:
    """A random id, new at every start: never a host or pod name, which come back."""
    return WorkerId(secrets.token_hex(6))


def new_token() -> Token:
    """A random positive 63-bit number, which both databases hold as an integer."""
    return Token(secrets.randbits(62) + 1)


def backoff(failures: int) -> timedelta:
    """The exponential backoff with real jitter."""
    return exponential(failures, jitter=_random.uniform(-1, 1))


def host() -> str:
    """This machine's name, for people."""
    return platform.node() or "unknown"


def boot_id() -> str:
    """What distinguishes this run of this kernel: file locks mean something only within it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"{host()}:{os.getuid()}"
