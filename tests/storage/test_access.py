"""Tokens, notes of what was done, and keys of requests, as rows."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.role import Role
from jobrunner.core.web_errors import TokenNotFoundError
from jobrunner.storage import access


def add(store, name, digest=None):
    store.write(access.add_token, name, Role.READ, digest or name, now=store.now)


def names(store):
    return [known.token.name for known in store.read(access.known_tokens)]


def test_a_name_is_given_once(store):
    add(store, "ci")
    with pytest.raises(ConfigurationError, match="already"):
        add(store, "ci", "other")
    add(store, "ada")
    assert names(store) == ["ada", "ci"]
    store.write(access.remove_token, "ci")
    with pytest.raises(TokenNotFoundError):
        store.write(access.remove_token, "ci")
    assert names(store) == ["ada"]


def test_there_are_not_too_many(store, monkeypatch):
    monkeypatch.setattr(access, "MOST_TOKENS", 2)
    add(store, "a")
    add(store, "b")
    with pytest.raises(ConfigurationError, match="2 tokens already"):
        add(store, "c")


def test_a_role_that_is_none_is_refused_by_the_table(store):
    add(store, "ci")
    with pytest.raises(IntegrityError):
        store.sql("UPDATE tokens SET role = 'all'")


def test_notes_are_kept_for_a_year(store):
    def note():
        store.write(access.note, "ada", "cancel", target="7", detail={}, now=store.now)

    note()
    store.later(access.AUDIT_KEPT_FOR.total_seconds() - 1)
    note()
    assert store.write(access.prune, now=store.now) == 0
    store.later(2)
    assert store.write(access.prune, now=store.now) == 1
    (left,) = store.read(access.entries, limit=10)
    assert left.at == store.now - timedelta(seconds=2)
    store.later(access.AUDIT_KEPT_FOR.total_seconds())
    assert store.write(access.prune, now=store.now) == 1
    note()
    assert [entry.id for entry in store.read(access.entries, limit=10)] == [3]
