"""`jobrunner token`: made, shown once, listed, removed."""

import pytest

from jobrunner.core.role import Role


def test_a_token_is_shown_once(cli):
    made = cli("token", "add", "ci", "--role", "submit")
    assert made.code == 0
    (secret,) = made.out.split()
    assert cli.queue.tokens.look(secret).token.role is Role.SUBMIT
    assert "not shown again" in made.err
    listed = cli("token", "list")
    assert listed.out.splitlines()[0] == "token\trole\tmade"
    assert listed.out.splitlines()[1].startswith("ci\tsubmit\t")
    assert secret not in listed.out


def test_in_json(cli):
    made = cli("token", "add", "ci", "--json").json
    assert (made["name"], made["role"]) == ("ci", "read")
    assert cli.queue.tokens.look(made["token"]).token.name == "ci"
    (listed,) = cli("token", "list", "--json").json
    assert listed.keys() == {"name", "role", "created_at"}
    assert cli("token", "remove", "ci", "--json").json == {"ci": "removed"}
    assert cli("token", "list", "--json").json == []


@pytest.mark.parametrize(
    "words", [("ci",), ("",), (" ",), ("a\nb",), ("x" * 101,), ("x", "--role", "all")]
)
def test_what_cannot_be_a_token_is_refused(cli, words):
    cli("token", "add", "ci")
    assert cli("token", "add", *words).code == 2


def test_one_that_is_not_there_cannot_be_removed(cli):
    cli("token", "add", "ci")
    ran = cli("token", "remove", "cd", "--json")
    assert (ran.code, ran.error["code"]) == (3, "token_not_found")


def test_who_may_is_written_down(cli):
    cli("token", "add", "ci", "--role", "submit")
    cli("token", "remove", "ci")
    assert [(one.actor, one.action, one.target, one.detail) for one in cli.queue.audit.list()] == [
        ("local", "remove_token", "ci", {}),
        ("local", "add_token", "ci", {"role": "submit"}),
    ]
