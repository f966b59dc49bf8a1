"""The typed client of a jobrunner server: what a TaskQueue offers, over REST.

Knows the `core` only: neither SQLAlchemy nor a database is needed where it is used.
"""

from jobrunner.client.client import Client

__all__ = ["Client"]
