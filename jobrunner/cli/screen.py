"""What is shown again and again in the same place."""

import contextlib
from collections.abc import Callable, Generator
from io import StringIO

from jobrunner.cli import render


class _Page(StringIO):
    """What is to be shown on a terminal, before it is."""

    def isatty(self) -> bool:
        """As the terminal."""
        return True


@contextlib.contextmanager
def in_place() -> Generator[Callable[[], contextlib.AbstractContextManager[None]]]:
    """Yields what shows all that is printed in a block in the place of what was shown before.

    In a pipe one follows the other.
    """
    if not render.is_terminal():
        yield contextlib.nullcontext
        return
    from rich.console import Console  # noqa: PLC0415 — only a terminal pays for rich
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console()
    with Live(console=console, screen=True, auto_refresh=False) as live:

        @contextlib.contextmanager
        def screen() -> Generator[None]:
            page = _Page()
            with contextlib.redirect_stdout(page), contextlib.redirect_stderr(page):
                yield
            shown = Text.from_ansi(page.getvalue(), no_wrap=True, overflow="ellipsis")
            live.update(shown, refresh=True)

        yield screen
