"""Amounts of memory as people write and read them."""

import pytest

from jobrunner.core.errors import ConfigurationError
from jobrunner.core.size import parse_size, size_text


@pytest.mark.parametrize(
    ("text", "size"),
    [("65536", 65536), ("512M", 512 << 20), ("1.5g", 3 << 29), ("300 MiB", 300 << 20), ("7b", 7)],
)
def test_an_amount_is_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1M", "1X", "M", "1 2", "1e9"])
def test_what_is_none_is_refused(text):
    with pytest.raises(ConfigurationError, match="is no amount of memory"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "-"),
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        ((1 << 20) - 1, "1.0 MiB"),
        (150 << 20, "150 MiB"),
        (3 << 29, "1.5 GiB"),
        (1 << 53, "8,192 TiB"),
    ],
)
def test_an_amount_is_told(size, text):
    assert size_text(size) == text
