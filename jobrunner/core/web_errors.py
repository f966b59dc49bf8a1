"""Errors of those who come over HTTP; the tree is drawn in `errors`."""

from jobrunner.core.errors import JobrunnerError
from jobrunner.core.role import Role


class ReadOnlyError(JobrunnerError):
    """Nothing is changed here."""

    hint = "Start `jobrunner serve` without --read-only to allow it."

    def __init__(self) -> None:
        """Nothing was changed."""
        super().__init__("this server only shows: it was started with --read-only")


class UnauthenticatedError(JobrunnerError):
    """Nobody knows who asks."""

    hint = "Send a token, `Authorization: Bearer …`; `jobrunner token add` makes one."

    def __init__(self, problem: str = "this server wants a token") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)


class ForbiddenError(JobrunnerError):
    """Who asks is known, and may not do that."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)
        self.hint = hint


class RoleError(ForbiddenError):
    """A token of another role is needed."""

    def __init__(self, name: str, role: Role, needed: Role) -> None:
        """`name` and `role` are those of the token that was sent."""
        super().__init__(
            f"{name!r} may {role}, and this needs a token that may {needed}",
            hint=f"Make one with `jobrunner token add NAME --role {needed}`.",
        )
        self.needed = needed


class TokenNotFoundError(JobrunnerError):
    """No token has that name."""

    hint = "See which there are with `jobrunner token list`."

    def __init__(self, name: str) -> None:
        """`name` is what was asked for."""
        super().__init__(f"there is no token {name!r}")
        self.name = name


class IdempotencyError(JobrunnerError):
    """A key that has stood for another request."""

    hint = "Use a new Idempotency-Key for each new request."

    def __init__(self, problem: str) -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)


class TooManyRequestsError(JobrunnerError):
    """More requests than one identity may make in a time."""

    hint = "Wait, or hand in many tasks with one request: POST /api/v1/tasks/batch."

    def __init__(self, seconds: float) -> None:
        """`seconds` is how long until the next one is taken."""
        super().__init__(f"too many requests; the next one is taken in {seconds:.1f} s")
        self.seconds = seconds


class TooManyStreamsError(JobrunnerError):
    """As many follow the changes as one server tells them to."""

    hint = "Ask every few seconds instead, or close some of the pages."

    def __init__(self, most: int) -> None:
        """`most` is how many there may be."""
        super().__init__(f"{most} streams of changes are open, and this server gives no more")


class ServerError(JobrunnerError):
    """A server of jobrunner did not do what it was asked for, for reasons of its own."""

    def __init__(self, problem: str, *, hint: str = "") -> None:
        """`problem` is a whole sentence without its full stop."""
        super().__init__(problem)
        self.hint = hint


class UnreachableError(ServerError):
    """There is no answer, and what was asked for was not done."""

    def __init__(self, url: str, reason: str) -> None:
        """`reason` is what the connection told."""
        super().__init__(
            f"no server answers at {url}: {reason}",
            hint="Start `jobrunner serve` there, or mend the address.",
        )
        self.url = url


class AnswerLostError(ServerError):
    """The answer did not arrive: what was asked for may be done or not. Look before you repeat."""

    def __init__(self, url: str, reason: str) -> None:
        """`reason` is what the connection told."""
        super().__init__(
            f"the answer of {url} was lost: {reason}",
            hint="It may have been done or not: look before you ask for it again.",
        )
        self.url = url


class UnexpectedAnswerError(ServerError):
    """An answer that no server of jobrunner gives to what was asked, or a fault of its own."""

    def __init__(self, problem: str, status: int, *, hint: str = "") -> None:
        """`status` is that of the answer."""
        super().__init__(
            f"the server answered {status}: {problem}",
            hint=hint or "The address must be that of `jobrunner serve`, of the same version.",
        )
        self.status = status
