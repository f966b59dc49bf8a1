"""The garbage collector of a process that does nothing but work."""

import gc
from typing import Final

YOUNG: Final = 10_000
"""Objects made before a look at the youngest, instead of 700 to 2,000: a turn makes thousands."""

OLD: Final = (20, 50)


def calm() -> None:
    """Look for cycles less often, and never among what was imported.

    A worker's objects come and go by their reference counts: the looks took a fifth of its time.
    Only for processes of our own: these are settings of the whole interpreter.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *OLD)
