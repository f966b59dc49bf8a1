"""Functions for executors, of the standard library and of ours, at the top level of a module."""

import os
import threading
from os import getpid  # noqa: F401 — reached through this module, and not defined by it
from typing import Any

from jobrunner import Retry, context
from tests.runtime.functions import FOREVER, gates

ran: list[str] = []
"""What has run in this process, by name."""


class OwnError(Exception):
    """One that no built-in name stands for."""


def echo(value: Any = None, *, note: str = "") -> Any:
    return f"{value} {note}" if note else value


def add(left: int, right: int) -> int:
    return left + right


def wait_for(gate: str, value: Any = None) -> Any:
    """Say that it runs by one gate, and return when the other opens."""
    ran.append(gate)
    gates[f"{gate} runs"].set()
    gates[gate].wait(FOREVER)
    return value


def fail_at(gate: str) -> None:
    gates[gate].wait(FOREVER)
    raise ValueError(gate)


def complain(kind: str, text: str) -> None:
    raise {"ValueError": ValueError, "KeyError": KeyError, "OwnError": OwnError}[kind](text)


def leave() -> None:
    raise SystemExit(4)


def refuse_three(number: int) -> int:
    if number == 3:
        raise ValueError("three")
    return number


def thread_name() -> str:
    return threading.current_thread().name


def process_id() -> int:
    return os.getpid()


async def echo_async(value: Any) -> Any:
    return value


async def complain_async(text: str) -> None:
    raise OwnError(text)


def attempt() -> int:
    if context.attempt == 1:
        raise Retry("not at first", after=0)
    return context.attempt


def forget() -> None:
    """For the next test."""
    gates.forget()
    ran.clear()
