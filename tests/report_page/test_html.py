"""Nothing that a task has written becomes part of the page's own words."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from jobrunner.report_page.html import Html, element, join, text
from jobrunner.report_page.words import brief, percent, period, time_ticks, top_of


class Reader(HTMLParser):
    """What a browser would make of it: tags, and the text between them."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.words, self.values = [], "", []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [value for _, value in attrs]

    def handle_data(self, data):
        self.words += data


@given(st.text())
def test_a_text_stays_one_wherever_it_stands(words):
    shown = Reader(text(words)).words
    read = Reader(element("p", words, title=words))
    assert read.tags == ["p"]
    assert (read.words, read.values) == (shown, [shown])


def test_what_is_html_is_taken_as_it_is_and_all_else_escaped():
    inside = join("<b>", Html("<i>"), 7, None, ["&", element("br_")])
    assert inside == "&lt;b&gt;<i>7&amp;<br_></br_>"
    assert element("meta", charset="utf-8", http_equiv=None) == '<meta charset="utf-8"/>'
    assert element("p", class_="a", aria_label='"') == '<p class="a" aria-label="&quot;"></p>'


def test_what_reverses_or_hides_text_is_shown():
    assert text("a\u202eb\x1b[2J") == "a\\u202eb\\x1b[2J"


def test_spans_have_three_digits():
    spans = (0, 12e-6, 4.1234e-3, 0.25, 1.0, 12.34, 59.99, 3_600)
    told = ["0 s", "12 µs", "4.12 ms", "250 ms", "1 s", "12.3 s", "1m", "1h"]
    assert list(map(brief, spans)) == told
    told = list(map(percent, (0, 0.0001, 0.004, 0.0501, 0.5, 1)))
    assert told == ["0%", "<0.1%", "0.4%", "5.0%", "50%", "100%"]
    assert list(map(top_of, (1, 3, 7, 11, 2_001))) == [1, 3, 8, 20, 3_000]


@given(st.integers(0, 4 * 10**15), st.integers(0, 10**15))
def test_an_axis_has_few_ticks_and_all_of_them_on_it(first, length):
    ticks = list(time_ticks(first, first + length))
    assert len(ticks) <= 7
    assert all(0 <= at <= 1 for at, _ in ticks)
    assert len({told for _, told in ticks}) == len(ticks)


def test_a_period_names_its_day_once():
    first = datetime(2026, 11, 29, 1, 3, tzinfo=UTC)
    assert period(first, first + timedelta(minutes=4)) == (
        "29 November 2026, 01:03:00 to 01:07:00 UTC"
    )
    assert period(first, first + timedelta(days=2)) == (
        "29 November 2026, 01:03 to 1 December 2026, 01:03 UTC"
    )
