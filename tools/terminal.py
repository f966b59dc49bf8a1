"""What a command shows on a terminal, as a page to take a picture of."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from typing import Final

from rich.console import Console
from rich.text import Text

COLUMNS: Final = 80
ROWS: Final = 26
QUIET: Final = 1.5
"""Seconds without anything new, after which what is on the screen is shown."""

HOME: Final = re.compile(rb"\x1b\[H")
PAGE: Final = """<!doctype html><meta charset="utf-8"><title>terminal</title>
<style>body {{ margin: 0; background: #161b22; }} pre {{ margin: 0; padding: 16px 20px;
font: 14px/1.35 "DejaVu Sans Mono", monospace; color: #d6dde6; }}</style><pre>{}</pre>"""


def page(*words: str, database: str) -> str:
    """Run `jobrunner` on a terminal of 80 columns; what it shows, typed line included.

    A command that shows the same place again and again is interrupted.
    """
    told = _shown(["--db", database, *words])
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(f"\x1b[1m$ jobrunner {' '.join(words)}\x1b[0m"))
    console.print(Text.from_ansi(told), no_wrap=True)
    return PAGE.format(console.export_html(inline_styles=True, code_format="{code}"))


def _shown(words: list[str]) -> str:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "jobrunner", *words]
    environment = {**os.environ, "TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = _read(ours, first=10.0)
        process.send_signal(signal.SIGINT)
    os.close(ours)
    return HOME.split(shown)[-1].decode().replace("\r\n", "\n").rstrip()


def _read(descriptor: int, *, first: float) -> bytes:
    """All there is until nothing comes for a while, or the other side is closed."""
    shown, patience = b"", first
    while select.select([descriptor], [], [], patience)[0]:
        try:
            shown += os.read(descriptor, 65_536)
        except OSError:  # how Linux tells that the other side is closed
            break
        patience = QUIET
    return shown
