"""Keys that are made of a task's arguments: `crawl:{host}`."""

from collections.abc import Mapping
from string import Formatter

from jobrunner.core import fields


def fill(field: str, template: str, values: Mapping[str, object]) -> str:
    """Put arguments in the place of their names; `{{` is a brace.

    Raises:
        InvalidTaskError: the template is none, or names no argument; `field` is told.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise fields.invalid(field, f"is no template: {template!r}, {error}") from error
    filled: list[str] = []
    for before, name, form, conversion in parts:
        filled.append(before)
        if name is None:
            continue
        if form or conversion or name not in values:
            known = ", ".join(values) or "none"
            raise fields.invalid(
                field,
                f"{template!r} is made of {{{name}}}, which is no argument; there are: {known}",
            )
        filled.append(str(values[name]))
    return "".join(filled)
