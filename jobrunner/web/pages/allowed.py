"""What whoever looks at a page may do there: pages offer nothing else."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request

from jobrunner.core.role import Role
from jobrunner.web.identity import Identity
from jobrunner.web.serving import options_of

DID: Final[Mapping[str, str]] = {
    "retried": "It runs again.",
    "rerun": "It runs again, with all that depends on it.",
    "mended": "What failed or was cancelled runs again.",
    "cancelled": "It is cancelled.",
    "stopping": "It is asked to stop.",
    "changed": "It is changed.",
    "unchanged": "Nothing was changed.",
    "started": "It may start now.",
    "stored": "It is enqueued.",
    "duplicate": "It was there already: its unique key is in use. Nothing was enqueued.",
}
"""What was done, by the word for it in the address of the page that tells of it."""


def may(request: Request, role: Role) -> bool:
    """Whether who asks may act so, and anything may be changed at all."""
    identity: Identity | None = getattr(request.state, "identity", None)
    is_allowed = identity is not None and identity.role.allows(role)
    return is_allowed and not options_of(request).read_only


def allowed(request: Request) -> dict[str, Any]:
    """For templates: whether to offer acts, commands among them; and what was done before."""
    did = request.query_params.get("did", "")
    return {
        "may_operate": may(request, Role.OPERATE),
        "may_submit": may(request, Role.SUBMIT),
        "allows_commands": options_of(request).allow_commands,
        "flashes": [{"level": "info", "text": DID[did]}] if did in DID else [],
    }
