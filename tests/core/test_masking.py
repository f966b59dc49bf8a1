"""Secrets are masked wherever tasks hold or write them, and nothing else is."""

import time

import pytest

from jobrunner.core.errors import InvalidTaskError
from jobrunner.core.masking import MASK, Masking, restored
from jobrunner.core.secret_names import is_secret

plain = Masking()


@pytest.mark.parametrize(
    "name",
    [
        *("password", "PASSWORD", "db_password", "passwd", "DB_PASS", "userPwd", "pwd", "secret"),
        *("client_secret", "token", "accessToken", "GITHUB_TOKEN", "api_key", "apiKey", "API-KEY"),
        *(
            "Authorization",
            "auth",
            "credentials",
            "Set-Cookie",
            "private_key",
            "aws_secret_access_key",
        ),
    ],
)
def test_a_name_that_looks_like_a_secret_is_one(name) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["author", "key", "secretary", "monkey", "tokenizer", "path", "compass", "passenger"]
)
def test_other_names_are_none(name) -> None:
    assert not is_secret(name)


def test_values_are_masked_by_their_keys_at_any_depth() -> None:
    value = {"url": "x", "auth": {"user": "ada"}, "list": [{"api_key": "k", "n": 1}, None]}
    assert plain.value(value) == {
        "url": "x",
        "auth": MASK,
        "list": [{"api_key": MASK, "n": 1}, None],
    }


def test_numbers_are_masked_but_counts_and_flags_are_not() -> None:
    value = {"password": 123456, "max_tokens": 100, "has_password": True, "token": None}
    assert plain.value(value) == value | {"password": MASK}


def test_pairs_and_named_values_are_masked() -> None:
    value = [["Authorization", "Bearer x"], {"name": "API_KEY", "value": "x"}, ["a", "b"]]
    masked = [["Authorization", MASK], {"name": "API_KEY", "value": MASK}, ["a", "b"]]
    assert plain.value(value) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=hunter2 user=ada", f"password={MASK} user=ada"),
        ("PASSWORD: hunter2", f"PASSWORD: {MASK}"),
        ('{"api_key": "a\\"b", "n": 1}', f'{{"api_key": "{MASK}", "n": 1}}'),
        ("login(password='hunter2', user='ada')", f"login(password='{MASK}', user='ada')"),
        ("{'token': 'abc'}", f"{{'token': '{MASK}'}}"),
        ("Authorization: Bearer abc.def", f"Authorization: {MASK}"),
        ("-H 'Cookie: a=b; c=d' -o x", f"-H 'Cookie: {MASK}' -o x"),
        ("postgresql://ada:hunter2@host/db", f"postgresql://ada:{MASK}@host/db"),
        ("tool --password hunter2 --out x", f"tool --password {MASK} --out x"),
        ("tool --api-key=abc", f"tool --api-key={MASK}"),
        ("auth=('ada', 'hunter2'), n=1", f"auth={MASK}, n=1"),
        ("max_tokens=100", "max_tokens=100"),
        ("PWD=/home", "PWD=/home"),
        ("found ghp_" + "a" * 36, f"found {MASK}"),
        ("-----BEGIN RSA PRIVATE KEY-----\nabc\ndef", MASK),
        ("the author: ada", "the author: ada"),
    ],
)
def test_texts_are_masked_by_the_names_in_them(text, masked) -> None:
    assert plain.text(text) == masked


def test_the_words_of_a_command_are_masked() -> None:
    words = ["env", "DB_PASSWORD=a b", "curl", "-u", "ada:hunter2", "--token", "abc", "--out", "x"]
    masked = ["env", f"DB_PASSWORD={MASK}", "curl", "-u", f"ada:{MASK}", "--token", MASK]
    assert plain.command(words) == [*masked, "--out", "x"]


def test_a_secret_that_is_known_is_masked_where_it_has_no_name() -> None:
    known = Masking.of([], {"password": 'hunter"2two'}, command=["x", "--token", "abcdefgh"])
    told = 'cannot log in with hunter"2two, "hunter\\"2two", abcdefgh'
    assert known.text(told) == f'cannot log in with {MASK}, "{MASK}", {MASK}'


def test_what_is_long_is_masked_before_it_is_cut() -> None:
    text = "x" * 100_000 + " password=" + "s" * 100_000
    assert plain.text(text)[100_000:] == f" password={MASK}"


def test_what_is_nested_very_deeply_is_not_shown() -> None:
    value = {"password": "x"}
    for _ in range(600):
        value = {"a": value}
    assert "password" not in str(plain.value(value))


@pytest.mark.parametrize(
    "piece",
    ["a", "-", "token", "token=", 'token="', "token=(", "://a:", "eyJaaaaaaaa.", "--", "\\"],
)
def test_no_text_takes_long(piece) -> None:
    text = piece * (300_000 // len(piece))
    began = time.monotonic()
    plain.text(text)
    assert time.monotonic() - began < 5


def test_what_was_masked_while_it_was_edited_is_put_back() -> None:
    original = {"password": "hunter2", "headers": [["token", "x"], "url"], "n": 1}
    edited = plain.value(original) | {"n": 2}
    assert restored(edited, original, plain) == original | {"n": 2}


def test_a_secret_may_be_edited() -> None:
    assert restored({"password": "new"}, {"password": "old"}, plain) == {"password": "new"}


def test_a_mask_where_there_was_no_secret_is_refused() -> None:
    with pytest.raises(InvalidTaskError, match="stands for a secret"):
        restored({"url": MASK}, {"password": "old"}, plain)
