"""How the end of a worker is asked for: gracefully, and a second time at once."""


class Stopping:
    """Only flags, so that it may be asked for from any thread and from a signal handler."""

    def __init__(self) -> None:
        """Nothing is asked for."""
        self.asked: str | None = None
        """Why it is to end, if it is."""
        self.begun = False
        """Whether the worker has begun to: it claims no more."""
        self.hurrying = False
        """Whether it gives what runs no time any more."""
        self._asked_again = False

    def ask(self, reason: str) -> None:
        """Ask for a graceful end; a second time, for an end at once."""
        if self.asked is None:
            self.asked = reason
        else:
            self._asked_again = True

    def begin(self) -> bool:
        """Whether to begin with the end now; told once."""
        begins = self.asked is not None and not self.begun
        self.begun |= begins
        return begins

    def hurry(self) -> bool:
        """Whether to begin to hurry now; told once."""
        hurries = self._asked_again and not self.hurrying
        self.hurrying |= hurries
        return hurries

    def is_news(self) -> bool:
        """Whether something was asked for that the worker has not begun with."""
        return (self.asked is not None and not self.begun) or (
            self._asked_again and not self.hurrying
        )
