"""A cron that goes through every minute: slow, and with nothing in common with ours."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
LOWEST = (0, 0, 1, 1, 0)
HIGHEST = (59, 23, 31, 12, 7)


def allowed(field, at):
    """The numbers of a field: lists of `*`, numbers and ranges, with steps."""
    found = set()
    for term in field.split(","):
        span, _, step = term.partition("/")
        low, _, high = span.partition("-")
        if span == "*":
            low, high = LOWEST[at], HIGHEST[at]
        found |= set(range(int(low), int(high or low) + 1, int(step or 1)))
    return found


class Clockwork:
    def __init__(self, text, tz):
        fields = text.split()
        self.sets = [allowed(field, at) for at, field in enumerate(fields)]
        self.days_both = fields[2].startswith("*") or fields[4].startswith("*")
        self.is_fixed = not any(field.startswith("*") for field in fields[:2])
        self.zone = ZoneInfo(tz)

    def matches(self, wall):
        minutes, hours, days, months, weekdays = self.sets
        by_day = wall.day in days
        by_weekday = wall.isoweekday() in weekdays or wall.isoweekday() % 7 in weekdays
        is_day = (by_day and by_weekday) if self.days_both else (by_day or by_weekday)
        return is_day and (wall.minute in minutes, wall.hour in hours, wall.month in months) == (
            True,
            True,
            True,
        )

    def wall(self, moment):
        return moment.astimezone(self.zone)

    def fires(self, moment):
        shown = self.wall(moment)
        plain = shown.replace(tzinfo=None, fold=0)
        if not self.is_fixed:
            return self.matches(plain)
        if self.matches(plain) and not shown.fold:
            return True
        before = self.wall(moment - MINUTE).replace(tzinfo=None, fold=0) + MINUTE
        while before < plain:  # the clock has been set forward
            if self.matches(before):
                return True
            before += MINUTE
        return False

    def between(self, behind, until):
        at = behind.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
        found = []
        while at <= until:
            if self.fires(at):
                found.append(at)
            at += MINUTE
        return found
