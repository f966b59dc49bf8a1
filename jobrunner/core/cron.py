"""When a schedule is due: by a cron rule and the clock on the wall of a zone, or at intervals."""

from collections.abc import Iterator
from copy import copy as twin
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, Union

from cronsim import CronSim, CronSimError

from jobrunner.core import wall
from jobrunner.core.errors import ConfigurationError
from jobrunner.core.fields import LONGEST, shown
from jobrunner.core.schedule_errors import InvalidScheduleError
from jobrunner.core.span import parse_span
from jobrunner.core.zone import find_zone

NICKNAMES: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS: Final = ("minute", "hour", "day of the month", "month", "day of the week")
LONGEST_TEXT: Final = 200
SHORTEST: Final = timedelta(seconds=1)

_WRITE: Final = 'Write five fields, as "0 2 * * *", or @daily, or @every 5m.'
_SINCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""A rule that does not fire within 50 years of this moment never does."""

Rule = Union["Cron", "Every"]


@dataclass(frozen=True, slots=True)
class Every:
    """Fires at `anchor` and a whole number of `span` after it, whatever clocks on walls show."""

    span: timedelta
    anchor: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        """The first tick behind a moment, `None` where the calendar ends."""
        number = max(0, (moment - self.anchor) // self.span + 1)
        try:
            return self.anchor + number * self.span
        except OverflowError:
            return None

    def in_words(self) -> str:
        """The rule for people."""
        left = self.span // timedelta(microseconds=1)
        words: list[str] = []
        for size, unit in _UNITS:
            number, left = divmod(left, size)
            if number:
                words.append(f"{number} {unit}" + "s" * (number > 1))
        return f"Every {' '.join(words)}"


_UNITS: Final = (
    (86_400_000_000, "day"),
    (3_600_000_000, "hour"),
    (60_000_000, "minute"),
    (1_000_000, "second"),
    (1, "microsecond"),
)


@dataclass(frozen=True, slots=True)
class Cron:
    """Fires when the clock on the wall of `tz` shows what `text` says.

    As Debian's cron does it: a rule whose minute and hour are fixed fires once a day on the days
    of both clock changes too, at the moment of the change if its time is skipped, and the first
    time if its time comes twice. A rule with a `*` in front of either goes by what the clock
    shows: what is skipped it leaves out, what comes twice it fires at twice.
    """

    text: str
    tz: str

    def next_after(self, moment: datetime) -> datetime | None:
        """The first tick behind a moment, `None` for never."""
        try:
            return self._next_fixed(moment) if self._is_fixed else self._next_shown(moment)
        except OverflowError:  # the calendar ends
            return None

    def in_words(self) -> str:
        """The rule for people."""
        zone = "UTC" if self.tz == "UTC" else f"{self.tz} time"
        return f"{_parsed(self.text).explain()}, {zone}"

    @property
    def _is_fixed(self) -> bool:
        return not any(field.startswith("*") for field in _fields(self.text)[:2])

    def _next_fixed(self, moment: datetime) -> datetime | None:
        zone = find_zone(self.tz)
        shown_matches = _matches(self.text, wall.shown_at(moment, zone))
        found = (wall.first_moment(match, zone) for match in shown_matches)
        return next((at for at in found if at > moment), None)

    def _next_shown(self, moment: datetime) -> datetime | None:
        zone = find_zone(self.tz)

        def first_behind(start: datetime) -> datetime | None:
            found = (at for match in _matches(self.text, start) for at in wall.moments(match, zone))
            return next((at for at in found if at > moment), None)

        now = wall.shown_at(moment, zone)
        found = first_behind(now)
        back = wall.set_back_soon(moment, zone)
        again = first_behind(now - back) if back else None
        return found if again is None or found is None else min(found, again)


def _matches(text: str, behind: datetime) -> Iterator[datetime]:
    """What a clock without a zone shows when the rule matches, in order."""
    matcher = twin(_parsed(text))
    matcher.dt = behind.replace(microsecond=0)
    return matcher


@lru_cache(maxsize=1024)
def _parsed(text: str) -> CronSim:
    """The rule as the library reads it; without a zone, since it errs where half hours count.

    Where a clock is set by 30 minutes, its steps of an hour no longer meet the full ones.

    Raises:
        InvalidScheduleError: it is no rule, such as one that a newer version has stored.
    """
    try:
        return CronSim(" ".join(_fields(text)), datetime(2000, 1, 1))  # noqa: DTZ001 — no zone
    except CronSimError as error:
        raise InvalidScheduleError(f"{text!r} is no rule", hint=_WRITE) from error


def _fields(text: str) -> list[str]:
    return NICKNAMES.get(text.lower(), text).split()


def read_rule(text: object, *, tz: object = "UTC") -> Cron | timedelta:
    """Read a rule: five fields, a nickname such as `@daily`, or `@every 5m`: a length of time.

    Raises:
        InvalidScheduleError: it is none of them, or never fires, or there is no such zone.
    """
    find_zone(tz)
    if not isinstance(text, str):
        raise InvalidScheduleError(f"a rule is text, not {shown(text)}", hint=_WRITE)
    rule = " ".join(text[: LONGEST_TEXT + 1].split())
    if len(rule) > LONGEST_TEXT:
        raise InvalidScheduleError(f"a rule has at most {LONGEST_TEXT} characters", hint=_WRITE)
    if rule.startswith("@"):
        if rule.lower().startswith("@every "):
            return _interval(rule[len("@every ") :].replace(" ", ""))
        _check_nickname(rule)
    else:
        _check_fields(rule)
    cron = Cron(rule, str(tz))
    if cron.next_after(_SINCE) is None:
        raise _never(rule)
    return cron


def check_interval(span: object) -> timedelta:
    """Accept a length of time between two ticks.

    Raises:
        InvalidScheduleError: it is none, or under a second or over 100 years.
    """
    if not isinstance(span, timedelta) or not SHORTEST <= span <= LONGEST:
        told = str(span) if isinstance(span, timedelta) else shown(span)
        raise InvalidScheduleError(
            f"an interval must be a timedelta from a second to 100 years, not {told}"
        )
    return span


def _interval(text: str) -> timedelta:
    try:
        return check_interval(parse_span(text))
    except ConfigurationError as error:
        raise InvalidScheduleError(f"@every: {error}", hint=error.hint) from None


def _check_nickname(rule: str) -> None:
    if rule.lower() not in NICKNAMES:
        close = get_close_matches(rule.lower(), NICKNAMES, n=1)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(NICKNAMES)}, @every."
        raise InvalidScheduleError(f"there is no rule {shown(rule)}", hint=hint)


def _check_fields(rule: str) -> None:
    fields = rule.split()
    if len(fields) == len(FIELDS) + 1:
        raise InvalidScheduleError(
            f"{rule!r} has six fields, and what the sixth means is not agreed on: "
            "to some programs the first is seconds, to others the last is years",
            hint="Write five: minute, hour, day, month, weekday. For seconds: @every 30s.",
        )
    if len(fields) != len(FIELDS):
        problem = f"a rule has five fields, and {rule!r} has {len(fields)}"
        raise InvalidScheduleError(problem, hint=_WRITE)
    for at, (name, field) in enumerate(zip(FIELDS, fields, strict=True)):
        alone = ["*"] * len(FIELDS)
        alone[at] = field
        if not _is_read(" ".join(alone)):
            raise InvalidScheduleError(f"in {rule!r} the {name} cannot be {field!r}", hint=_WRITE)
    if not _is_read(rule):  # each field is right, and together they name no day
        raise _never(rule)


def _is_read(rule: str) -> bool:
    try:
        _parsed(rule)
    except InvalidScheduleError:
        return False
    return True


def _never(rule: str) -> InvalidScheduleError:
    return InvalidScheduleError(
        f"{rule!r} never fires", hint="No such day comes: look at the day, month and weekday."
    )
