"""Text that others wrote, made fit for a log line and a terminal."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox import Fault, Scenario, World
from tap_tiktok_following import redaction
from tap_tiktok_following.cleaning import clean
from tests.harness import PROVIDERS, run, settings

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox import Sandbox

UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

FORGED = "no\r\n2026-11-25 ERROR everything is lost \x1b[2J\x1b]0;title\x07\x9b31m\u202eevil"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("The user is private.", "The user is private."),
        ("  two\n lines\t here ", "two lines here"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link", "link"),
        ("\x9b31mred", "red"),
        ("a\x00b\x7fc", "a b c"),
        ("left\u202eright", "left right"),
        ("\ud83d", ""),
        ("😀 Zoë 愛", "😀 Zoë 愛"),
    ],
)
def test_one_printable_line(text: str, cleaned: str) -> None:
    assert clean(text, 100) == cleaned


def test_long_text_is_cut() -> None:
    assert clean("x" * 50_000, 10) == "x" * 9 + "…"


def test_a_secret_is_masked_before_the_text_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", {"s3cret-s3cret"})
    assert clean("x s3cret-s3cret", 8) == "x ***"


@given(st.text(st.characters(), max_size=200), st.integers(1, 50))
def test_no_text_breaks_a_line_or_moves_a_cursor(text: str, most: int) -> None:
    cleaned = clean(text + FORGED, most)
    assert len(cleaned) <= most
    assert UNFIT.search(cleaned) is None


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("part", ["code", "message"])
def test_a_provider_s_words_forge_no_log_line(
    sandbox: Sandbox, provider: str, part: str
) -> None:
    sandbox.world = World.of({"ann": []})
    long = FORGED * 1000
    value = [400, long, "No"] if part == "code" else [400, "teapot", long]
    sandbox.scenario = Scenario(faults=[Fault("error", value=value)])
    ended = run(settings(sandbox, ["ann"], provider))
    reason = ended.scans(provider)["ann"]["reason"]
    assert "everything is lost" in reason
    assert len(reason) < 500
    assert UNFIT.search(reason) is None
    assert UNFIT.search(ended.stderr.replace("\n", "")) is None
    assert not [line for line in ended.stderr.splitlines() if line.startswith("2026-11-25")]


def test_a_malformed_name_of_a_file_forges_no_log_line(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.world = World.of({"ann": []})
    path = tmp_path / "names.txt"
    path.write_text("ann\nno\x1b[2Jname\x1b]0;title\x07\u202eevil\n", encoding="utf-8")
    config = settings(sandbox, [], "research", usernames_path=str(path))
    ended = run({name: value for name, value in config.items() if value != []})
    assert ended.exit_code == 0
    assert "noname evil" in ended.text("WARNING")
    assert UNFIT.search(ended.stderr.replace("\n", "")) is None
    assert UNFIT.search("".join(ended.scans("research"))) is None
