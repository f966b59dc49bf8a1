"""Who may do what over HTTP, and who has done what, as tables."""

from sqlalchemy import CheckConstraint, Column, Index, Table, Text, UniqueConstraint

from jobrunner.core.role import Role
from jobrunner.storage.schema import metadata, one_of
from jobrunner.storage.types import Long, Moment

tokens = Table(
    "tokens",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    CheckConstraint(one_of("role", *Role), name="role"),
    UniqueConstraint("name"),
    UniqueConstraint("digest"),
    sqlite_strict=True,
)

audit = Table(
    "audit",
    metadata,
    Column("id", Long, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("ix_audit_at", "at"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("answer", Text),
    Column("stored_at", Moment, nullable=False),
    Index("ix_idempotency_keys_stored_at", "stored_at"),
    sqlite_strict=True,
)
