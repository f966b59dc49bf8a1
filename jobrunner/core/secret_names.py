"""What names secrets go by, and what some of them look like: patterns in linear time."""

import re
from typing import Final

# Each part of a pattern that repeats is bounded, or stops at what begins the next match: texts
# are as long as a task has written them.
_WORDS: Final = (
    r"passwords?|passwd|passphrase|passcode|secrets?|tokens?|credentials?|signature|bearer|cookies?"
    r"|(?:api|access|account|private|secret|shared|signing|encryption|master)[_-]?keys?"
    r"|(?:proxy[_-]?)?authorization|session[_-]?id"
)
_NAME: Final = (
    rf"(?:(?i:{_WORDS})(?![a-z])|(?<![A-Za-z])(?:auth|AUTH|pass|PASS)(?![A-Za-z])"
    r"|(?:pwd|Pwd|(?<=_)PWD)(?![a-z]))"
)
_COUNT: Final = re.compile(r"(?i:tokens)(?![a-z])")

SECRET_NAME: Final = re.compile(_NAME)

_QUOTED: Final = (
    r"""(?P<open>\\{0,3}(?P<quote>["']))(?:\\.|(?!(?P=quote))[^\\\n])*(?P<close>(?P=quote)?)"""
)
_BARE: Final = r"""\([^()\n]*\)|\[[^\[\]\n]*\]|\{[^{}\n]*\}|[^\s,;&"'`<>()\[\]{}]+"""
_SCHEME: Final = r"(?:(?i:bearer|basic|digest|negotiate|apikey|token)[ ]{1,3})?"

ASSIGNED: Final = re.compile(
    rf"""(?P<head>(?P<name>{_NAME})[\w.-]{{0,30}}\\{{0,3}}["'\]]{{0,2}}"""
    r"[ ]{0,3}(?:=>|:=|==|[:=])[ ]{0,3})"
    rf"{_SCHEME}(?:{_QUOTED}|(?P<bare>{_BARE}))"
)
"""`password=x`, `"api_key": "x"`, `Authorization: Bearer x`: the name stays."""

OPTION: Final = re.compile(
    rf"(?P<head>(?<![\w-])--[\w-]{{0,40}}?{_NAME}[\w-]{{0,30}}[ ]{{1,3}})"
    rf"(?:{_QUOTED}|(?P<bare>[^\s-]\S*))"
)
"""`--password x`, in a command line that is one text."""

HEADER: Final = re.compile(
    r"""(?P<head>(?i:(?:set-)?cookie|(?:proxy-)?authorization)[ ]{0,3}:[ ]{0,3})[^"'\s][^"'\n]*"""
)
"""A header's whole value."""

ADDRESS: Final = re.compile(r"""(?P<head>://[^\s/:@"'<>]{0,200}:)[^\s/@"'<>]{1,500}(?=@)""")
"""The password of a URL."""

SHAPES: Final = re.compile(
    r"\b(?:gh[opsur]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|glpat-[\w-]{20,100}"
    r"|sk[-_](?:live_|test_|ant-|proj-)?[A-Za-z0-9_-]{20,300}|xox[abeprs]-[A-Za-z0-9-]{10,300}"
    r"|A[KS]IA[0-9A-Z]{16}|AIza[0-9A-Za-z_-]{35}"
    r"|eyJ[\w-]{8,4000}\.eyJ[\w-]{8,4000}\.[\w-]{5,2000})"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s\\]*(?:-----END [A-Z ]{0,40}KEY-----)?"
)
"""Keys of well-known services, signed tokens, private keys: whatever they are called."""


def is_secret(name: str) -> bool:
    """Whether what goes by this name is nobody's business: `password`, `apiKey`, `DB_PASS`."""
    return SECRET_NAME.search(name) is not None


def counts(name: str) -> bool:
    """Whether a number under this name is only a number: `max_tokens`."""
    return _COUNT.search(name) is not None
