"""What all tables share: one collection, how constraints are named, rules told in one way."""

from typing import Any

from sqlalchemy import Index, MetaData, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def one_of(column: str, *words: str) -> str:
    """The rule that a column holds one of these words.

    Not `IN`: SQLite builds an index of the words for every row that it checks, which took a third
    of a claim and of a settlement.
    """
    return " OR ".join(f"{column} = '{word}'" for word in words)


def partial_index(name: str, *columns: Any, where: str, unique: bool = False) -> None:
    """An index of some rows only."""
    condition = text(where)
    Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)
