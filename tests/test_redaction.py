"""Secrets are taken out of everything that is logged, by value, however they are written."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest

from tap_tiktok_following import redaction
from tap_tiktok_following.redaction import MASK, hide, redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = 'S3cr&t "k\u00e4y"/+='


@pytest.fixture(autouse=True)
def hidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Only this test's secrets, and the log as it was before."""
    monkeypatch.setattr(redaction, "_secrets", set())
    factory = logging.getLogRecordFactory()
    redaction.install()
    hide(SECRET)
    yield
    logging.setLogRecordFactory(factory)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    text = io.StringIO()
    handler, logger = logging.StreamHandler(text), logging.getLogger("another.package")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield text
    logger.removeHandler(handler)


another = logging.getLogger("another.package")


@pytest.mark.parametrize(
    "written",
    [SECRET, quote(SECRET, safe=""), quote_plus(SECRET), json.dumps(SECRET)[1:-1]],
    ids=["plain", "in a path", "in a form", "in JSON"],
)
def test_a_secret_is_masked_however_it_is_escaped(written: str) -> None:
    assert redact(f"before {written} after") == f"before {MASK} after"


def test_other_text_stays() -> None:
    assert redact("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("check `rapidapi_key`", "check `rapidapi_key`"),
        ("keys, monkey, KEY", "keys, monkey, KEY"),
        ("the key is key: 'key'", f"the {MASK} is {MASK}: '{MASK}'"),
        ("x-key=key&a", f"x-{MASK}={MASK}&a"),
    ],
)
def test_a_short_secret_is_masked_where_it_stands_alone(text: str, masked: str) -> None:
    hide("key")
    assert redact(text) == masked


def test_a_longer_secret_is_masked_inside_words() -> None:
    hide("12345678")
    assert redact("a12345678b, 1234567") == f"a{MASK}b, 1234567"


def test_a_secret_that_holds_another_is_masked_whole() -> None:
    hide("key")
    hide("key-and-more")
    assert redact("key-and-more, key") == f"{MASK}, {MASK}"


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_hides_nothing(nothing: str | None) -> None:
    hide(nothing)
    assert redact("text") == "text"


def test_the_log_of_every_library_is_masked(log: io.StringIO) -> None:
    another.debug("a message with %s in it", SECRET)
    another.debug("a message with " + SECRET + " in it")
    assert log.getvalue() == f"a message with {MASK} in it\n" * 2


def test_the_log_of_an_object_is_masked(log: io.StringIO) -> None:
    hide("plain-secret")
    another.debug("%r", {"key": "plain-secret"})
    assert log.getvalue() == f"{{'key': '{MASK}'}}\n"


def fail() -> None:
    raise ValueError(SECRET)


def fail_because_of_it() -> None:
    try:
        fail()
    except ValueError as cause:
        message = "another"
        raise KeyError(message) from cause


@pytest.mark.parametrize("failing", [fail, fail_because_of_it])
def test_exceptions_and_their_causes_are_masked(
    failing: Callable[[], None], log: io.StringIO
) -> None:
    try:
        failing()
    except (ValueError, KeyError):
        another.exception("it failed")
    text = log.getvalue()
    assert SECRET not in text
    assert f"ValueError: {MASK}" in text


def test_installing_it_twice_is_installing_it_once() -> None:
    factory = logging.getLogRecordFactory()
    redaction.install()
    assert logging.getLogRecordFactory() is factory
