"""The functions that every worker has, whatever its application registers."""

from jobrunner.core.hook import WEBHOOK, PrivateAddressError
from jobrunner.runtime.clock import Clock
from jobrunner.runtime.registry import Function
from jobrunner.runtime.webhook import Webhook
from jobrunner.storage.engine import Database


def find(name: str, database: Database, clock: Clock) -> Function | None:
    """One of our own functions by its name, `None` if it is none of them."""
    if name != WEBHOOK:
        return None
    return Function(name, Webhook(database, clock), no_retry_on=(PrivateAddressError,))
