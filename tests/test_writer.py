"""Messages on stdout: in order, whole, when told to, and a state only when it changed."""

from __future__ import annotations

import contextlib
import io
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from singer_sdk.singerlib import RecordMessage

from tap_tiktok_following.errors import Ended
from tap_tiktok_following.outputs import AT_ONCE
from tap_tiktok_following.writer import BUFFER, MessageWriter, StateWriter

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stdout(io.RawIOBase):
    """A stdout that records what reaches it, and takes a limited number of bytes at once."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.written = b""
        self.pieces: list[bytes] = []
        self._most = most

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        taken = bytes(data[: self._most])
        self.pieces.append(taken)
        self.written += taken
        return len(taken)

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.written.splitlines()]


@pytest.fixture(params=[2**30, 7], ids=["a stdout", "a stdout that takes 7 bytes at once"])
def stdout(request: pytest.FixtureRequest) -> Stdout:
    return Stdout(request.param)


@contextlib.contextmanager
def writing_to(stdout: Stdout) -> Iterator[MessageWriter]:
    with contextlib.redirect_stdout(io.TextIOWrapper(stdout)):  # type: ignore[type-var]
        yield MessageWriter()


def record(number: int, text: str = "") -> RecordMessage:
    return RecordMessage(stream="s", record={"number": number, "text": text})


def numbers(stdout: Stdout) -> list[int]:
    return [message["record"]["number"] for message in stdout.messages]


def test_messages_come_out_at_a_flush_in_order(stdout: Stdout) -> None:
    with writing_to(stdout) as writer:
        for number in range(3):
            writer.write_message(record(number))
        assert stdout.written == b""
        writer.flush()
        assert numbers(stdout) == [0, 1, 2]
        assert stdout.written.endswith(b"\n")
        writer.flush()
    assert numbers(stdout) == [0, 1, 2]


def test_no_more_than_the_buffer_is_held_back(stdout: Stdout) -> None:
    with writing_to(stdout) as writer:
        for number in range(100):
            writer.write_message(record(number, "x" * 1000))
        assert len(stdout.written) >= 100_000 - BUFFER
        assert numbers(stdout) == list(range(len(stdout.messages)))
        writer.flush()
    assert numbers(stdout) == list(range(100))


@given(sizes=st.lists(st.integers(0, 2 * AT_ONCE), max_size=30))
def test_what_is_written_at_once_is_whole_lines_as_far_as_a_pipe_takes_them(
    sizes: list[int],
) -> None:
    stdout = Stdout(2**30)
    with writing_to(stdout) as writer:
        for number, size in enumerate(sizes):
            writer.write_message(record(number, "x" * size))
        writer.flush()
    assert numbers(stdout) == list(range(len(sizes)))
    lines = stdout.written.splitlines(keepends=True)
    long = sum(-(-len(line) // AT_ONCE) for line in lines if len(line) > AT_ONCE)
    whole = [piece for piece in stdout.pieces if piece.endswith(b"\n")]
    assert max(map(len, stdout.pieces), default=0) <= AT_ONCE
    assert len(stdout.pieces) - len(whole) == long - sum(len(line) > AT_ONCE for line in lines)


def test_text_is_utf_8_on_one_line(stdout: Stdout) -> None:
    text = "\U0001f600 \u05d0\u0628 \u2028 a\nb \u0085"
    with writing_to(stdout) as writer:
        writer.write_message(record(1, text))
        writer.flush()
    assert stdout.written.count(b"\n") == 1
    assert json.loads(stdout.written)["record"]["text"] == text


def test_a_64_bit_count_stays_a_number(stdout: Stdout) -> None:
    with writing_to(stdout) as writer:
        writer.write_message(record(2**63 - 1))
        writer.flush()
    assert b"9223372036854775807" in stdout.written


def test_a_state_follows_the_records_it_speaks_of(stdout: Stdout) -> None:
    with writing_to(stdout) as writer:
        writer.write_message(record(1))
        StateWriter(writer).write_state({"bookmarks": {"s": {}}})
    assert [message["type"] for message in stdout.messages] == ["RECORD", "STATE"]
    assert stdout.messages[1]["value"] == {"bookmarks": {"s": {}}}


@pytest.mark.parametrize("count", [0, 1, 100, 3000])
def test_a_state_is_whole(stdout: Stdout, count: int) -> None:
    entries = [
        {"n": number, "texts": ["\u00e9", None, []], "more": {}} for number in range(count)
    ]
    value: Any = {
        "bookmarks": {"s": {"partitions": entries}, "t": {}},
        "else": [1.5, True, {"a": []}],
    }
    with writing_to(stdout) as writer:
        StateWriter(writer).write_state(value)
    assert stdout.messages == [{"type": "STATE", "value": value}]
    assert stdout.written.count(b"\n") == 1


def test_a_state_is_written_only_when_it_has_changed(stdout: Stdout) -> None:
    entry = {"n": 0}
    with writing_to(stdout) as writer:
        states = StateWriter(writer)
        for number in (1, 1, 2, 2, 1):
            entry["n"] = number
            states.write_state({"bookmarks": {"s": {"partitions": [entry]}}})
    values = [message["value"]["bookmarks"]["s"] for message in stdout.messages]
    assert values == [{"partitions": [{"n": number}]} for number in (1, 2, 1)]


def test_a_state_that_has_not_changed_flushes_too(stdout: Stdout) -> None:
    with writing_to(stdout) as writer:
        states = StateWriter(writer)
        states.write_state({})
        writer.write_message(record(1))
        states.write_state({})
    assert [message["type"] for message in stdout.messages] == ["STATE", "RECORD"]


def test_a_target_that_no_longer_reads_ends_the_run_with_one_sentence() -> None:
    reader, pipe = os.pipe()
    os.close(reader)
    with os.fdopen(pipe, "w", encoding="utf-8") as stdout, contextlib.redirect_stdout(stdout):
        writer = MessageWriter()
        writer.write_message(record(1))
        with pytest.raises(Ended) as end:
            writer.flush()
    assert end.value.code == 1
    assert end.value.sentence.startswith("The target stopped reading: see its log; ")
    assert end.value.sentence.endswith(".")
