"""Hostile values: text that would do something if anybody let it, and JSON that is none."""

import math
from typing import Any

ESC, BEL, C1 = "\x1b", "\x07", "\x9b"

TEXTS = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "colour": f"{ESC}[2J{ESC}[1;31mred{BEL}",
    "link": f"{ESC}]8;;https://evil.example{ESC}\\here{ESC}]8;;{ESC}\\",
    "clipboard": f"{ESC}]52;c;ZXZpbA=={BEL}",
    "c1": f"{C1}31m\x90q\x9c",
    "bidi": "\u202egnp.exe\u2066\u200f\u2069",
    "markup": "[red]not red[/red] [link=x][/]",
    "lines": "one\r\ntwo\ttab\u2028three\x0b\x0c",
    "nul": "before\0after",
    "only nul": "\0",
    "surrogate": "lone \udcff and \ud800",
    "formula": "=cmd()|'/C calc'!A0",
    "sql": "'; DROP TABLE tasks; --",
    "sql quote": "\" OR 1=1 /* ' ; UPDATE tasks SET status='completed' -- :now ? %s",
    "format": "%s %n %(x)s {0} {x!r} ${HOME} $(id) `id`",
    "family": "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",
    "right to left": "שלום عليكم",
    "combining": "Z\u0351\u036b\u0343" * 50,
    "not a character": "\ufffe\uffff\U0010ffff\ufeff",
    "brackets": "[" * 200_000,
    "escapes": r"\u0000 \x00 \\u0000 \ud800",
    "number": "9" * 5_000,
    "none": "",
    "blank": " \n ",
    "too large": "ü" * (512 * 1024) + "!",
    "traversal": "/../../etc/passwd",
}


def deep(depth: int) -> Any:
    """Lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


class Untold(dict[str, Any]):
    """A mapping that cannot be shown in an error."""

    def __repr__(self) -> str:
        raise ValueError


def circle() -> list[Any]:
    """A list that holds itself."""
    ring: list[Any] = []
    ring.append(ring)
    return ring


VALUES = {
    "2^63": 2**63,
    "-2^63-1": -(2**63) - 1,
    "2^64": 2**64,
    "5,000 digits": 10**4_999,
    "nan": math.nan,
    "infinity": -math.inf,
    "tiny": 5e-324,
    "minus zero": -0.0,
    "true": True,
    "bytes": b"\xff",
    "set": {1},
    "object": object(),
    "exception": ValueError("x"),
    "deep": deep(200_000),
    "rather deep": deep(900),
    "circle": circle(),
    "keys": {"": 1, "\x1b[2J": 2, "__proto__": 3, "status": 4},
    "key with nul": {"\0": 1},
    "key with surrogate": {"\ud800": 1},
    "a number for a key": {1: 2},
    "untold": Untold(x=1),
}
