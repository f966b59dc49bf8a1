"""What can be stored is JSON that both databases take, and comes back as it was."""

import contextlib
import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core.errors import InvalidTaskError, PayloadError
from jobrunner.core.payload import LIMIT, check_text, decode, encode

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=20,
)
anything = st.recursive(
    st.none() | st.floats() | st.text(st.characters()) | st.binary() | st.sampled_from(["\\u0000"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=10,
)


def nested(depth, core):
    for _ in range(depth):
        core = [core]
    return core


@given(values)
def test_what_was_encoded_comes_back(value):
    text = encode(value, what="args")
    assert decode(text) == value
    assert len(text.encode()) <= LIMIT


@given(anything)
def test_anything_is_stored_whole_or_refused(value):
    with contextlib.suppress(PayloadError):
        text = encode(value, what="args")
        assert decode(text) == value
        assert "\0" not in json.dumps(value, ensure_ascii=False).replace("\\u0000", "")


@given(st.text(st.sampled_from("\\u0\0")))
def test_a_nul_is_told_from_its_escape_spelled_out(text):
    if "\0" in text:
        with pytest.raises(PayloadError, match="NUL"):
            encode([text], what="args")
    else:
        assert decode(encode([text], what="args")) == [text]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (float("nan"), "not JSON"),
        (float("-inf"), "not JSON"),
        ({"deep": [{"a": float("nan")}]}, "not JSON"),
        ("a\0b", "NUL"),
        ({"a\0": 1}, "NUL"),
        ([{"a": ("\0",)}], "NUL"),
        (["\\u0000", "\0"], "NUL"),
        ("\ud800", "lone surrogate"),
        ({"\udfff": 1}, "lone surrogate"),
        (object(), "not JSON"),
        (b"bytes", "not JSON"),
        ({1, 2}, "not JSON"),
        ({(1, 2): 3}, "not JSON"),
        (10**5000, "not JSON"),
        (nested(100_000, 1), "nested too deeply"),
        ("x" * LIMIT, "over the limit"),
        ("é" * (LIMIT // 2), "over the limit"),
    ],
    ids=itertools.count(),
)
def test_what_cannot_be_stored_is_refused_by_name(value, said):
    with pytest.raises(PayloadError, match=said) as refused:
        encode(value, what="result")
    assert str(refused.value).startswith("result ")
    assert refused.value.field == "result"
    assert refused.value.hint


def test_a_circle_is_refused():
    circle = []
    circle.append(circle)
    with pytest.raises(PayloadError):
        encode(circle, what="args")


@pytest.mark.parametrize("depth", [300, 600, 900])
@pytest.mark.parametrize("core", ["\\u0000", "\0"])
def test_a_deep_value_is_stored_or_refused_but_never_breaks(depth, core):
    value = nested(depth, core)
    try:
        assert decode(encode(value, what="args")) == value
    except PayloadError:
        assert core == "\0" or depth == 900


@pytest.mark.parametrize("value", ["x" * (LIMIT - 2), "é" * (LIMIT // 2 - 1)])
def test_the_limit_counts_bytes_and_may_be_reached(value):
    assert len(encode(value, what="args").encode()) == LIMIT


def test_text_is_stored_readable():
    assert encode({"a": [1, "é"]}, what="args") == '{"a":[1,"é"]}'


def test_nothing_stored_is_none():
    assert decode(None) is None
    assert decode("null") is None


@pytest.mark.parametrize("text", [None, 5, b"x", "a\0", "\ud800"])
def test_text_that_cannot_be_stored_is_refused(text):
    with pytest.raises(InvalidTaskError) as refused:
        check_text(text, what="queue")
    assert refused.value.field == "queue"


def test_good_text_comes_back():
    assert check_text("ü \\u0000 \x1b", what="queue") == "ü \\u0000 \x1b"
