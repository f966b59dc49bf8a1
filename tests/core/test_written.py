"""What is kept of a stream, and what of it stands behind an offset."""

from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobrunner.core import written
from jobrunner.core.status import Status
from jobrunner.core.task import TaskId
from jobrunner.core.written import More, Piece, Stream, Written, clean, since, tail
from jobrunner.runtime import kept

SMALL = 8


@pytest.fixture(autouse=True, scope="module")
def _little_is_kept():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written, "KEEP", SMALL)
        patch.setattr(kept, "KEEP", SMALL)
        yield


def left_out(characters):
    return f"\n… {characters:,} characters left out …\n"


def expected(whole, offset):
    """What a follower is to be told of a stream, by its definition."""
    if len(whole) <= 2 * SMALL or offset >= len(whole) - SMALL:
        return whole[offset:]
    gap = left_out(len(whole) - SMALL - max(offset, SMALL))
    return whole[offset:SMALL] + gap + whole[-SMALL:]


@given(st.lists(st.text(max_size=40), max_size=20), st.data())
def test_who_follows_a_stream_misses_only_what_is_left_out(pieces, data):
    stream, whole, offset = kept.Kept(), "", 0
    for piece in pieces:
        stream.add(piece)
        whole += piece
        assert stream.total == len(whole)
        if data.draw(st.booleans()):
            more = since(stream.text(), offset)
            assert more == More(expected(whole, offset), len(whole))
            offset = more.offset


def test_the_middle_of_what_is_long_is_left_out_and_counted():
    stream = kept.Kept()
    for _ in range(1_000):
        stream.add("0123456789")
        _, end = stream._end
        assert end.tell() <= 2 * SMALL  # what is left out takes no memory either
    assert stream.text() == f"01234567{left_out(9_984)}23456789"


def test_what_was_stored_before_there_were_offsets_is_told_as_it_is():
    old = "a" * 20 + "\n… 5,000 bytes left out …\n" + "b" * 20
    assert since(old, 0) == More(old, len(old))
    assert since(old, len(old)) == More("", len(old))


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("plain", "plain"),
        ("größer \N{SNOWMAN}", "größer \N{SNOWMAN}"),
        ("a\0b", "a\N{SYMBOL FOR NULL}b"),
        ("\udc80", "\\udc80"),
    ],
)
def test_text_is_made_such_that_both_databases_hold_it(said, stored):
    assert clean(said) == stored


def told(run, outcome=None, stdout=More(), traceback=None, status=Status.IN_PROGRESS):  # noqa: B008 — it is frozen
    return Written(
        task_id=TaskId(1),
        status=status,
        run=run,
        number=None if run is None else run + 1,
        outcome=outcome,
        stdout=stdout,
        traceback=traceback,
    )


def follow(*looks, run=None, once=False):
    """What a follower is told by these looks, what it asked for, and how often it waited."""
    answers, asked, waits = iter(looks), [], []

    def look(*question):
        asked.append(question)
        return next(answers)

    return list(tail(look, lambda: waits.append(1), run, once=once)), asked, len(waits)


def test_attempts_are_followed_one_after_the_other_until_the_task_has_ended():
    pieces, asked, waits = follow(
        told(None, status=Status.PENDING),
        told(0, stdout=More("one\n", 4)),
        told(0, outcome="failed", stdout=More("two\n", 8), traceback="boom"),
        told(1),
        told(1, outcome="completed", stdout=More("done\n", 5), status=Status.COMPLETED),
        told(None, status=Status.COMPLETED),
    )
    assert pieces == [
        Piece(0, 1, Stream.STDOUT, "one\n", 4),
        Piece(0, 1, Stream.STDOUT, "two\n", 8),
        Piece(0, 1, Stream.TRACEBACK, "boom", 4),
        Piece(1, 2, Stream.STDOUT, "done\n", 5),
    ]
    assert asked == [(None, 0, 0), (None, 0, 0), (0, 4, 0), (1, 0, 0), (1, 0, 0), (2, 0, 0)]
    assert waits == 3


def test_one_attempt_alone_is_followed_to_its_own_end():
    pieces, asked, _ = follow(told(0, outcome="failed", stdout=More("x", 1)), run=0, once=True)
    assert [piece.text for piece in pieces] == ["x"]
    assert asked == [(0, 0, 0)]


def test_a_task_that_never_ran_has_nothing_to_follow():
    assert follow(told(None, status=Status.CANCELLED)) == ([], [(None, 0, 0)], 0)


def test_what_attempts_write_comes_back_from_json():
    one = told(3, outcome="failed", stdout=More("x", 1), traceback="boom", status=Status.FAILED)
    assert written.written_of(written.written_object(one)) == one


def test_a_stream_of_python_counts_characters_as_it_should():
    stream = StringIO()
    stream.write("a\r\n\N{SNOWMAN}\U0001f600")
    assert (stream.tell(), stream.getvalue()) == (5, "a\r\n\N{SNOWMAN}\U0001f600")
