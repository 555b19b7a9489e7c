"""Singer messages on stdout: buffered, in whole lines, each state only once."""

from __future__ import annotations

import atexit
import contextlib
import datetime as dt
import hashlib
import logging
import sys
import time
from functools import cache, partial
from typing import TYPE_CHECKING

from singer_sdk.contrib.msgspec import MsgSpecWriter, encoder
from singer_sdk.helpers._state import StateWriter as SDKStateWriter
from typing_extensions import override

from tap_tiktok_following import state_size
from tap_tiktok_following.errors import Ended
from tap_tiktok_following.outputs import AT_ONCE, is_writable, told, write_some

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from singer_sdk.helpers.types import Record, TapState
    from singer_sdk.singerlib.encoding.simple import Message

logger = logging.getLogger(__name__)

BUFFER = 64 * 1024
"""Maximum number of bytes that are buffered."""

NOTICED = 1.0
"""Seconds without any progress after which the live line says that a target is slow."""

PATIENCE = 4.0
"""Seconds without any progress after which the reader counts as gone."""


class MessageWriter(MsgSpecWriter):
    """The SDK's msgspec writer, but flushed on request instead of after every record.

    A state is a message like any other, so it follows the records that it covers.

    Raises:
        Ended: If stdout is closed.
    """

    def __init__(self) -> None:
        super().__init__()
        if sys.stdout is None:
            sentence = (
                "stdout is closed, but the messages are written to it: pipe it to a target or "
                "a file."
            )
            raise Ended(sentence)
        self._pending = bytearray()
        self._record_tail = _record_tail()
        self._is_writing = self._is_half_out = self._is_closing = False
        self._taken_at = 0.0
        atexit.register(self._flush_at_exit)

    @override
    def write_message(self, message: Message) -> None:
        """Write a message, at the latest at the next `flush`."""
        self.write_line(self.format_message(message))

    def write_record(self, stream: str, record: Record) -> None:
        """Write a RECORD message without making the SDK's message object first.

        `time_extracted` is the time of the last flush, in whole seconds.
        """
        pending = self._pending
        pending += _record_head(stream)
        encoder.encode_into(record, pending, -1)
        pending += self._record_tail
        if len(pending) >= BUFFER:
            self.flush()

    def write_line(self, line: bytes | bytearray) -> None:
        """Write a message that is encoded already, with the newline behind it."""
        if len(line) < BUFFER:
            self._pending += line
        else:  # not to be copied
            self.flush()
            self._write(line)
        if len(self._pending) >= BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write everything that is buffered to stdout.

        Raises:
            Ended: If stdout cannot be written any more.
        """
        pending, self._pending = self._pending, bytearray()
        self._write(pending)
        self._record_tail = _record_tail()

    def is_blocked(self) -> bool:
        """Whether stdout is full for now, after everything buffered was written to it."""
        self.flush()
        fd = _stdout_fd()
        return fd is not None and not is_writable(fd)

    def is_waiting(self) -> bool:
        """Whether a write waits for the reader; may be called by any thread."""
        return self._is_writing and time.monotonic() - self._taken_at > NOTICED

    def finish_line(self) -> bool:
        """Start no further line; may be called in a signal handler.

        Returns:
            Whether a line is partly written and its reader still reads.
        """
        self._is_closing = True
        return self._is_half_out and time.monotonic() - self._taken_at < PATIENCE

    def _write(self, lines: bytes | bytearray) -> None:
        fd = _stdout_fd()
        write = sys.stdout.buffer.write if fd is None else partial(write_some, fd)
        with told():
            for batch in _batches(lines):
                self._write_batch(batch, write)
            if fd is None:
                sys.stdout.buffer.flush()

    def _write_batch(self, batch: memoryview, write: Callable[[memoryview], int]) -> None:
        """Write it in small pieces, to distinguish a slow reader from one that is gone."""
        if self._is_closing:
            return
        rest = batch
        self._taken_at, self._is_writing = time.monotonic(), True
        while rest:
            rest = rest[write(rest[:AT_ONCE]) :]
            self._taken_at, self._is_half_out = time.monotonic(), bool(rest)
        self._is_writing = False

    def _flush_at_exit(self) -> None:
        with contextlib.suppress(SystemExit, ValueError):
            self.flush()


class StateWriter(SDKStateWriter):
    """Writes a state if it differs from the last one, without keeping a copy to compare with.

    The SDK's takes 0.39 s at 10,000 usernames, most of it to make that copy.

    Attributes:
        size: Bytes of the last STATE message.
    """

    def __init__(self, message_writer: MessageWriter) -> None:
        super().__init__(message_writer)
        self.size = 0
        self._writer = message_writer
        self._last = b""
        self._has_warned = False

    @override
    def write_state(self, state: TapState) -> None:
        """Write a STATE message if the state has changed, and flush.

        Warns, once, before the state is too long for Meltano.
        """
        line = bytearray()
        encoder.encode_into({"type": "STATE", "value": state}, line)
        line += b"\n"
        digest = hashlib.blake2b(line).digest()
        if digest != self._last:
            self._last = digest
            self.size = len(line)
            if not self._has_warned and (sentence := state_size.warning(self.size, state)):
                self._has_warned = True
                logger.warning("%s", sentence)
            self._writer.write_line(line)
        self._writer.flush()


def _batches(lines: bytes | bytearray) -> Iterator[memoryview]:
    """Whole lines, as many as one write to a pipe transfers, or a single longer line."""
    view, start = memoryview(lines), 0
    while start < len(lines):
        end = lines.rfind(b"\n", start, start + AT_ONCE) + 1
        end = end or lines.index(b"\n", start) + 1
        yield view[start:end]
        start = end


@cache
def _record_head(stream: str) -> bytes:
    """The start of a RECORD message, before its record."""
    return b'{"type":"RECORD","stream":%b,"record":' % encoder.encode(stream)


def _record_tail() -> bytes:
    """The end of a RECORD message, after its record, with the current time."""
    now = dt.datetime.now(dt.timezone.utc).replace(microsecond=0)
    return b',"time_extracted":%b}\n' % encoder.encode(now)


def _stdout_fd() -> int | None:
    """The file descriptor of stdout; None if it is not a file, as in the SDK's tests."""
    try:
        return sys.stdout.fileno()
    except OSError:
        return None
