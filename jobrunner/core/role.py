"""What somebody may do: look, hand in tasks, or act on all there is."""

from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """Each may do all that those before it may."""

    READ = "read"
    SUBMIT = "submit"
    OPERATE = "operate"

    def allows(self, other: "Role") -> bool:
        """Whether who has this role may do what needs the other."""
        return _RANKS[self] >= _RANKS[other]


_RANKS: Final = {role: rank for rank, role in enumerate(Role)}
