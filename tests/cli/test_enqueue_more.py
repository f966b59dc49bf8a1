"""What `enqueue` must not pass over in silence."""

import pytest


def test_waiting_for_lines_waits_for_all_of_them(cli):
    ids = [cli.enqueue(), cli.enqueue("fail")]
    name = cli.lines({"function": "add", "after": ids[:1]}, {"function": "add", "after": ids})
    ran = cli("enqueue", "--from", name, "--wait", "--wait-timeout", "0")
    assert (ran.code, ran.out) == (7, "3\n4\n")
    assert "task 3, 4" in ran.err


def test_a_timeout_for_waiting_asks_for_the_wait(cli):
    assert cli("enqueue", "add", "--wait-timeout", "0").code == 7


@pytest.mark.parametrize("words", [("a=1", "a=2"), ("a=1", "b=2", "a:=3")])
def test_an_argument_that_is_given_twice_is_refused(cli, words):
    ran = cli("enqueue", "add", *words)
    assert (ran.code, ran.out) == (2, "")
    assert "the argument 'a' is given twice" in ran.err


def test_in_json_no_id_is_lost_to_a_ref_that_looks_like_a_line_number(cli):
    name = cli.lines({"ref": "2", "function": "add"}, {"function": "add"})
    ran = cli("enqueue", "--from", name, "--json")
    assert ran.code == 2
    assert "line 2: '2' is both a ref and the number" in ran.error["message"]
    assert sum(cli.queue.counts().values()) == 0
    assert cli("enqueue", "--from", name).out == "1\n2\n"
