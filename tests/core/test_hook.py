"""What a stored hook may be: names, events, URLs, secrets, and which addresses are public."""

import pytest

from jobrunner.core import hook
from jobrunner.core.errors import ConfigurationError, PayloadError

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",  # noqa: S104
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "fec0::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::",
    "2001:0:5ef5:79fb::80ff:fffe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_of_no_public_network_is_none(address):
    assert not hook.is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
)
def test_an_address_of_the_public_internet_is_one(address):
    assert hook.is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "a.localhost", "127.0.0.1", "[::1]", "10.0.0.1:80"]
)
def test_a_url_that_names_a_private_address_is_refused_unless_that_is_allowed(host):
    with pytest.raises(hook.PrivateAddressError):
        hook.check_url(f"http://{host}/x", may_be_private=False)
    assert hook.check_url(f"http://{host}/x", may_be_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org",
        "file:///etc/passwd",
        "https://",
        "https://a b",
        "https://example.org/\r\nx: y",
        "https://user:word@example.org",
        "https://example.org/#x",
        "https://example.org:99999",
        "https://[::1",
        "https://bücher.example",
        "https://example.org/" + "x" * 2000,
        5,
        None,
        "https://a\0",
    ],
)
def test_what_is_no_url_to_post_to_is_refused(url):
    with pytest.raises((ConfigurationError, PayloadError)):
        hook.check_url(url, may_be_private=True)


@pytest.mark.parametrize("events", [[], "", ["started"], ["failed", "x"], ["FAILED"]])
def test_only_ends_can_be_told(events):
    with pytest.raises(ConfigurationError, match="told of the ends of tasks"):
        hook.check_events(events)


def test_events_are_taken_in_one_order():
    assert hook.check_events(["failed", "completed"]) == ("completed", "failed")
    assert hook.check_events("failed") == ("failed",)


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "a/b", None, 5, "a\n"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ConfigurationError, match="a hook's name"):
        hook.check_name(name)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_*", None, 5, "a\0b", "\ud800", "x" * 3000])
def test_a_secret_that_is_none_is_refused_and_not_told(secret):
    with pytest.raises(ConfigurationError, match="the secret must be") as told:
        hook.check_secret(secret)
    assert len(str(secret)) < 8 or str(secret) not in str(told.value)


def test_a_secret_is_its_text_or_what_it_holds_in_base64():
    assert hook.key(hook.check_secret("plain")) == b"plain"
    assert hook.key(hook.check_secret("whsec_c2VjcmV0")) == b"secret"


@pytest.mark.parametrize("queue", ["", "x" * 501, hook.HOOKS_QUEUE, None, "a\0"])
def test_a_queue_that_nothing_is_told_of_is_refused(queue):
    with pytest.raises((ConfigurationError, PayloadError)):
        hook.check_queue(queue)


@pytest.mark.parametrize("command", ["ls", [], [5], None, ["a\0"]])
def test_what_is_no_command_is_refused(command):
    with pytest.raises((ConfigurationError, PayloadError)):
        hook.check_command(command)
