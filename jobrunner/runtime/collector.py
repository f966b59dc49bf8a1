"""The garbage collector of a process of our own."""

import gc
from typing import Final

YOUNG: Final = 10_000
"""Objects made before a look at the youngest, instead of 700 to 2,000: a turn makes thousands."""

OLD: Final = (20, 50)


def rarely() -> None:
    """Look for cycles less often: while all is imported, the looks took a seventh of the time.

    Only for processes of our own: these are settings of the whole interpreter.
    """
    gc.set_threshold(YOUNG, *OLD)


def calm() -> None:
    """Look for cycles less often, and never among what was imported.

    A worker's objects come and go by their reference counts: the looks took a fifth of its time.
    """
    gc.collect()
    gc.freeze()
    rarely()
