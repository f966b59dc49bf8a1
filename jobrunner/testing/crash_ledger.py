"""The kills that were made, counted across processes in a small file, up to a budget."""

import fcntl
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ledger:
    """One line a kill. Whoever may write the line may kill; when the budget is spent, nobody."""

    path: Path
    budget: int

    def spend(self, cause: str) -> bool:
        """Enter a kill before it is made; `False` if none is left."""
        flags = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if self.spent >= self.budget:
                return False
            os.write(descriptor, f"{cause}\n".encode())
            return True
        finally:
            os.close(descriptor)

    @property
    def causes(self) -> Counter[str]:
        """How many kills had which cause."""
        try:
            return Counter(self.path.read_text(encoding="utf-8").splitlines())
        except FileNotFoundError:
            return Counter()

    @property
    def spent(self) -> int:
        """How many kills there were."""
        return self.causes.total()

    @property
    def is_spent(self) -> bool:
        """Whether no kill is left."""
        return self.spent >= self.budget
