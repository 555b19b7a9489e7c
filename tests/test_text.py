"""Secrets are masked in everything that is logged; foreign text is cleaned; times are read."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import pytest

from sandbox import Fault, Sandbox, Scenario, World
from tap_tiktok_following import text
from tap_tiktok_following.text import MASK, clean, hide, parse_time, redact
from tests.harness import each_provider, run, settings

SECRET = 'S3cr&t "k\u00e4y"/+='
UNFIT = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
FORGED = "no\r\n2026-11-25 ERROR everything is lost \x1b[2J\x1b]0;title\x07\x9b31m\u202eevil"


@pytest.fixture(autouse=True)
def hidden() -> Iterator[None]:
    """Leave the log as it was before."""
    factory = logging.getLogRecordFactory()
    text.redact_logs()
    hide(SECRET)
    yield
    logging.setLogRecordFactory(factory)


# Secrets.


@pytest.mark.parametrize(
    ("secret", "shown", "masked"),
    [
        (None, f"/{quote(SECRET, safe='')}/{quote_plus(SECRET)}", f"/{MASK}/{MASK}"),
        (None, json.dumps(SECRET), f'"{MASK}"'),
        (SECRET + "-and-more", f"{SECRET}-and-more", MASK),
        ("12345678", "a12345678b, 1234567", f"a{MASK}b, 1234567"),
        # A short one may be a part of a word.
        ("key", "keys, monkey, KEY, `rapidapi_key`", "keys, monkey, KEY, `rapidapi_key`"),
        ("key", "is: 'key', x-key=key&a", f"is: '{MASK}', x-{MASK}={MASK}&a"),
    ],
)
def test_secret_is_masked_however_it_is_escaped(
    secret: str | None, shown: str, masked: str
) -> None:
    hide(secret)
    assert redact(shown) == masked


def test_log_of_every_library_is_masked_with_its_exceptions(
    caplog: pytest.LogCaptureFixture,
) -> None:
    another = logging.getLogger("another.package")
    another.warning("with %s in it", SECRET)
    another.warning("%d of them", SECRET)
    try:
        int(SECRET)
    except ValueError as cause:
        error = KeyError(SECRET)
        error.__cause__ = cause
        another.error("it failed", exc_info=error)
    assert f"with {MASK} in it" in caplog.text
    assert "%d of them (could not be formatted)" in caplog.text
    assert f"with base 10: '{MASK}'" in caplog.text
    assert SECRET not in caplog.text


# Text from outside.


@pytest.mark.parametrize(
    ("foreign", "cleaned"),
    [
        ("  two\n lines\t here ", "two lines here"),
        ("\x1b[31mred\x9b0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("left\u202eright\u2066\u200e\x00\x7f", "leftright"),
        ("😀 Zoë 愛", "😀 Zoë 愛"),
        ("x" * 101, "x" * 99 + "…"),
        # Half a secret would be one too.
        ("x" * 90 + SECRET, "x" * 90 + MASK),
    ],
)
def test_foreign_text_becomes_one_printable_line(foreign: str, cleaned: str) -> None:
    assert clean(foreign, 100) == cleaned


@each_provider
def test_providers_words_forge_no_log_line(sandbox: Sandbox, provider: str) -> None:
    sandbox.world = World.of({"ann": []})
    value = [400, FORGED * 1000, FORGED * 1000]
    sandbox.scenario = Scenario(faults=[Fault("error", value=value)])
    ended = run(settings(sandbox, ["ann"], provider))
    reason = ended.scans(provider)["ann"]["reason"]
    assert "everything is lost" in reason
    assert len(reason) < 500
    assert UNFIT.search(reason + ended.stderr.replace("\n", "")) is None
    assert not [line for line in ended.stderr.splitlines() if line.startswith("2026-11-25")]


# Times.


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("2026-01-31T01:00:00.250000+01:00", 1_769_817_600),
        ("2026-01-31", 1_769_817_600),
        ("soon", None),
        ("0001-01-01T00:00:00+02:00", None),
    ],
)
def test_time_is_in_utc_where_it_names_no_zone(time: str, seconds: int | None) -> None:
    assert parse_time(time) == seconds
